//! A range answer, taken apart into the instant answers that a server would have given at each time. Pure.

use rebalancer_core::port::MetricsError;

use crate::copies::Labels;
use crate::decode::range;
use crate::grid::Grid;

/// Instant answers.
pub(super) struct Split {
    /// One for each time of the grid, the earliest first.
    pub(super) bodies: Vec<Vec<u8>>,
    /// Values that came.
    pub(super) points: usize,
}

/// # Errors
/// When the answer is none, not whole, or has a point off the grid.
pub(super) fn split(body: &[u8], grid: &Grid) -> Result<Split, MetricsError> {
    let mut bodies = vec![String::new(); grid.count()];
    let mut points = 0;
    for (labels, values) in range(body)? {
        let labels = written(&labels)?;
        for (time, number) in values {
            // The grid has the latest first.
            let place = grid.place(time).ok_or_else(|| off_grid(time, grid))?;
            let Some(body) = grid.count().checked_sub(place + 1).and_then(|place| bodies.get_mut(place))
            else {
                continue;
            };
            if !body.is_empty() {
                body.push(',');
            }
            body.push_str(&format!(r#"{{"metric":{labels},"value":[{time},"{number}"]}}"#));
            points += 1;
        }
    }
    let whole = |series: String| {
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#).into_bytes()
    };
    Ok(Split { bodies: bodies.into_iter().map(whole).collect(), points })
}

fn written(labels: &Labels) -> Result<String, MetricsError> {
    let malformed = |error: serde_json::Error| MetricsError::Malformed { message: error.to_string() };
    serde_json::to_string(labels).map_err(malformed)
}

fn off_grid(time: f64, grid: &Grid) -> MetricsError {
    let message = format!(
        "a value came at {time}, expected {grid}; if a front end aligns ranges to their step, bypass it"
    );
    MetricsError::Malformed { message }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::decode;

    fn grid() -> Grid {
        let end = Timestamp::from_second(1_000_900).unwrap();
        Grid::before(end, SignedDuration::from_secs(300), 3).unwrap()
    }

    fn answer(series: &str) -> Vec<u8> {
        format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#).into_bytes()
    }

    #[test]
    fn each_time_has_what_an_instant_query_would_have_given_then() {
        let body = answer(
            r#"{"metric":{"pod":"a"},"values":[[1000000,"1"],[1000600,"NaN"]]},
               {"metric":{"pod":"b\"c"},"values":[[1000000,"2.5"]]}"#,
        );
        let Split { bodies, points } = split(&body, &grid()).unwrap();
        let of = |body: &Vec<u8>| {
            let samples = decode::samples(body).unwrap().value;
            samples.into_iter().map(|(pod, load)| (pod, load.get())).collect::<Vec<_>>()
        };
        let seen: Vec<_> = bodies.iter().map(of).collect();
        // The second time has no samples, and the NaN of the third is none.
        assert_eq!(seen, [vec![("a".to_owned(), 1.0), ("b\"c".to_owned(), 2.5)], vec![], vec![]]);
        assert_eq!(points, 3);
    }

    #[test]
    fn what_is_not_whole_or_of_other_times_is_refused() {
        let off = answer(r#"{"metric":{"pod":"a"},"values":[[1000100,"1"]]}"#);
        assert!(matches!(split(&off, &grid()), Err(MetricsError::Malformed { .. })));
        let partial = br#"{"status":"success","isPartial":true,"data":{"resultType":"matrix","result":[]}}"#;
        assert!(matches!(split(partial, &grid()), Err(MetricsError::Incomplete { .. })));
        assert!(split(b"no json", &grid()).is_err());
    }
}

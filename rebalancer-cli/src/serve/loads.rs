//! Loads by pod over the last hours, small: a workload of 5,000 pods takes little more than a megabyte.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rebalancer_core::fleet::Indicator;
use rebalancer_core::report::Report;

/// For so long loads are kept, where they fit.
const HOURS: i64 = 6;
/// The most columns of one workload: what a wide chart draws.
const MOST_COLUMNS: usize = 180;
/// The most values of one workload.
const MOST_VALUES: usize = 250_000;

/// Loads of the pods of one workload, the oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Loads {
    indicator: Option<Indicator>,
    columns: VecDeque<Column>,
}

/// What was read at one time.
#[derive(Debug, Clone)]
struct Column {
    at: Timestamp,
    /// Sorted; shared with other columns as long as the pods are the same.
    names: Arc<[Arc<str>]>,
    /// NaN is missing, never zero.
    values: Box<[f32]>,
}

impl Loads {
    /// The indicator that they are of; `None` where nothing was read yet.
    pub(crate) const fn indicator(&self) -> Option<Indicator> {
        self.indicator
    }

    /// The times of the columns.
    pub(crate) fn times(&self) -> impl ExactSizeIterator<Item = Timestamp> + '_ {
        self.columns.iter().map(|column| column.at)
    }

    /// Each pod with its load at each of the times, by name. A pod is known by its name here: a replacement of the same name
    /// stands in the same row.
    pub(crate) fn rows(&self) -> Vec<(Arc<str>, Vec<Option<f32>>)> {
        let mut rows = std::collections::BTreeMap::new();
        for (place, column) in self.columns.iter().enumerate() {
            for (name, value) in column.names.iter().zip(&column.values) {
                let row = rows.entry(Arc::clone(name)).or_insert_with(|| vec![None; self.columns.len()]);
                if let Some(slot) = row.get_mut(place) {
                    *slot = (!value.is_nan()).then_some(*value);
                }
            }
        }
        rows.into_iter().collect()
    }

    /// Adds what a report has seen by the indicator that ranks pods. Readings that follow each other closely share a column, in
    /// which the newest counts.
    pub(super) fn add(&mut self, report: &Report) {
        let Some(indicator) = report.indicators.first().map(|seen| seen.indicator) else { return };
        if self.indicator.replace(indicator) != Some(indicator) {
            self.columns.clear();
        }
        let mut seen: Vec<(&str, f32)> = report
            .pods
            .iter()
            .filter(|pod| pod.own)
            .map(|pod| {
                (pod.pod.name.as_str(), pod.loads.get(indicator).map_or(f32::NAN, |load| narrow(load.get())))
            })
            .collect();
        // One that leaves and its replacement may have the same name.
        seen.sort_by(|a, b| a.0.cmp(b.0).then_with(|| a.1.is_nan().cmp(&b.1.is_nan())));
        seen.dedup_by(|a, b| a.0 == b.0);
        if !seen.is_empty() {
            self.push(report.taken_at, &seen);
        }
    }

    fn push(&mut self, at: Timestamp, seen: &[(&str, f32)]) {
        let names = self.names(seen);
        let values = seen.iter().map(|(_, value)| *value).collect();
        let most = (MOST_VALUES / seen.len().max(1)).clamp(1, MOST_COLUMNS);
        let period = SignedDuration::from_hours(HOURS) / i32::try_from(most).unwrap_or(i32::MAX);
        let began = match self.columns.back() {
            Some(last) if at.duration_since(last.at) < period => {
                let began = last.at.min(at);
                self.columns.pop_back();
                began
            }
            Some(_) | None => at,
        };
        self.columns.push_back(Column { at: began, names, values });
        let oldest = SignedDuration::from_hours(HOURS);
        while self.columns.len() > most
            || self.columns.front().is_some_and(|first| at.duration_since(first.at) > oldest)
        {
            self.columns.pop_front();
        }
    }

    /// The names, in the memory that earlier columns already take.
    fn names(&self, seen: &[(&str, f32)]) -> Arc<[Arc<str>]> {
        let Some(last) = self.columns.back() else {
            return seen.iter().map(|(name, _)| Arc::from(*name)).collect();
        };
        if last.names.iter().map(AsRef::as_ref).eq(seen.iter().map(|(name, _)| *name)) {
            return Arc::clone(&last.names);
        }
        let known = |name: &str| {
            let place = last.names.binary_search_by(|known| known.as_ref().cmp(name)).ok()?;
            last.names.get(place).map(Arc::clone)
        };
        seen.iter().map(|(name, _)| known(name).unwrap_or_else(|| Arc::from(*name))).collect()
    }

    /// Bytes on the heap, names that columns share counted once each.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        let lists: std::collections::BTreeMap<*const Arc<str>, &Arc<[Arc<str>]>> =
            self.columns.iter().map(|column| (column.names.as_ptr(), &column.names)).collect();
        let names: std::collections::BTreeMap<*const u8, usize> = lists
            .values()
            .flat_map(|list| list.iter())
            .map(|name| (name.as_ptr(), name.len() + 16))
            .collect();
        let values = self.columns.iter().map(|column| size_of_val(&*column.values)).sum::<usize>();
        values
            + self.columns.capacity() * size_of::<Column>()
            + lists.values().map(|list| size_of_val(&***list) + 16).sum::<usize>()
            + names.values().sum::<usize>()
    }
}

/// What is drawn and shown needs no more digits.
#[allow(clippy::cast_possible_truncation, reason = "a load beyond f32 is drawn as the largest")]
fn narrow(load: f64) -> f32 {
    (load as f32).min(f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_225_600 + second).unwrap()
    }

    fn fleet(pods: usize, prefix: &str) -> Vec<String> {
        (0..pods).map(|pod| format!("{prefix}-7c9d8b6f5d-{pod:05}")).collect()
    }

    fn push(loads: &mut Loads, at: Timestamp, names: &[String]) {
        let seen: Vec<(&str, f32)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        loads.push(at, &seen);
    }

    #[test]
    fn a_day_of_cycles_stays_small() {
        let mut all = 0;
        for pods in std::iter::repeat_n(100, 50).chain([5_000]) {
            let (names, mut loads) = (fleet(pods, "orders-consumer"), Loads::default());
            (0..24 * 60).for_each(|minute| push(&mut loads, at(minute * 60), &names));
            all += loads.bytes();
        }
        assert!(all < 6 * 1_048_576, "{all} bytes");
    }

    #[test]
    fn a_fleet_whose_pods_are_always_others_stays_bounded() {
        let mut loads = Loads::default();
        for minute in 0..24 * 60 {
            push(&mut loads, at(minute * 60), &fleet(1_000, &format!("r{minute}")));
        }
        let cells = loads.columns.iter().map(|column| column.values.len()).sum::<usize>();
        assert!(cells <= MOST_VALUES, "{cells}");
    }

    #[test]
    fn readings_of_two_minutes_share_a_column_and_six_hours_are_kept() {
        let (names, mut loads) = (fleet(3, "a"), Loads::default());
        (0..=10 * 60).for_each(|minute| push(&mut loads, at(minute * 60), &names));
        assert_eq!(loads.columns.len(), MOST_COLUMNS);
        let times: Vec<Timestamp> = loads.times().collect();
        assert_eq!(times[1].duration_since(times[0]), SignedDuration::from_mins(2));
    }

    #[test]
    fn a_pod_without_a_sample_and_one_that_is_not_there_leave_gaps() {
        let mut loads = Loads::default();
        loads.push(at(0), &[("a", 2.0), ("b", f32::NAN)]);
        loads.push(at(600), &[("b", 1.0), ("c", 0.0)]);
        let rows: Vec<(String, Vec<Option<f32>>)> =
            loads.rows().into_iter().map(|(name, row)| (name.to_string(), row)).collect();
        let row = |name: &str, values: [Option<f32>; 2]| (name.to_owned(), values.to_vec());
        assert_eq!(
            rows,
            [row("a", [Some(2.0), None]), row("b", [None, Some(1.0)]), row("c", [None, Some(0.0)])]
        );
    }
}

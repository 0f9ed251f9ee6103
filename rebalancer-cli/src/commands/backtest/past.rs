//! The past of a fleet, read in chunks.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use rebalancer_core::backtest::Moment;
use rebalancer_prom::history::{Chunk, Kept};

use crate::adapters::Loads;

/// Times evenly apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) step: SignedDuration,
    pub(super) count: usize,
    /// Moments from one cycle to the next.
    pub(super) stride: usize,
}

impl Span {
    /// The last one.
    pub(super) fn to(&self) -> Timestamp {
        self.at(self.count.saturating_sub(1)).unwrap_or(self.from)
    }

    /// All of them, the earliest first.
    pub(super) fn times(&self) -> impl Iterator<Item = Timestamp> {
        (0..self.count).filter_map(|place| self.at(place))
    }

    fn at(&self, place: usize) -> Option<Timestamp> {
        let after = self.step.checked_mul(i32::try_from(place).ok()?)?;
        self.from.checked_add(after).ok()
    }
}

/// What was read.
pub(super) struct ReadPast {
    pub(super) history: Vec<Moment>,
    /// Values that came.
    pub(super) points: usize,
    /// Answers that an earlier run had kept.
    pub(super) kept: usize,
}

/// So many moments are asked for in one range query: a day in steps of five minutes.
const CHUNK: usize = 288;

/// Reads it chunk by chunk. Chunks end where they do in every run with this step, so that what was kept is found again.
/// Fails when more values come than `most`.
pub(super) async fn read(
    metrics: &Loads,
    span: &Span,
    most: usize,
    kept: Option<&Kept>,
) -> anyhow::Result<ReadPast> {
    let mut read = ReadPast { history: Vec::with_capacity(span.count), points: 0, kept: 0 };
    let chunks = chunks(span);
    for (number, chunk) in chunks.iter().enumerate() {
        progress(number, chunks.len(), &read);
        let came = metrics.chunk(*chunk, kept).await?;
        read.points += came.points;
        read.kept += came.kept;
        if read.points > most {
            clear();
            bail!(
                "{} values came until {:.0}, more than the {most} of --points: ask for less time or a longer --every",
                read.points,
                chunk.from
            );
        }
        for moment in came.moments {
            let pods = moment.pods.context("pods of the past could not be read")?;
            let pods = Some(pods).filter(|pods| !pods.is_empty());
            read.history.push(Moment { at: moment.at, readings: moment.readings, pods });
        }
    }
    clear();
    Ok(read)
}

fn chunks(span: &Span) -> Vec<Chunk> {
    let (step, mut place) = (span.step, 0);
    let mut chunks = Vec::new();
    while let Some(from) = span.at(place).filter(|_| place < span.count) {
        let number = from.as_second().div_euclid(step.as_secs().max(1));
        let of_chunk = usize::try_from(number).unwrap_or(0) % CHUNK;
        let count = (CHUNK - of_chunk).min(span.count - place);
        chunks.push(Chunk { from, step, count });
        place += count;
    }
    chunks
}

/// One line on a terminal, which the next one overwrites.
fn progress(number: usize, of: usize, read: &ReadPast) {
    line(number, of, &format!("{number} of {of} chunks, {} values", read.points));
}

/// The bar with these words, on a terminal.
pub(super) fn line(number: usize, of: usize, words: &str) {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let filled = number * BAR / of.max(1);
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR.saturating_sub(filled)));
        // A terminal that has gone away is no reason to stop.
        let _ = write!(stderr, "\r[{bar}] {words}");
        let _ = stderr.flush();
    }
}

const BAR: usize = 30;

/// Takes the bar away.
pub(super) fn clear() {
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\u{1b}[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_at_the_same_times_in_every_run() {
        let span = |from: i64, count| Span {
            from: Timestamp::from_second(from).unwrap(),
            step: SignedDuration::from_mins(5),
            count,
            stride: 2,
        };
        let day = 288 * 300;
        let counts = |span: &Span| chunks(span).iter().map(|chunk| chunk.count).collect::<Vec<_>>();
        assert_eq!(counts(&span(10 * day, 600)), [288, 288, 24]);
        assert_eq!(counts(&span(10 * day - 600, 600)), [2, 288, 288, 22]);
        let all = chunks(&span(10 * day - 600, 600));
        assert_eq!(all[1].from, Timestamp::from_second(10 * day).unwrap());
        assert_eq!(all.iter().map(|chunk| chunk.count).sum::<usize>(), 600);
    }
}

//! A bar, cell by cell, in eighths of a block or in ASCII.

/// Eighths of a block, from none to a whole one.
const BLOCKS: [&str; 9] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];

/// A cell of which so much is filled; all that is above 1 is a whole one.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number from 0 to 8; a cast takes what is no number for 0"
)]
pub(super) fn block(filled: f64, unicode: bool) -> &'static str {
    let eighths = (filled.clamp(0.0, 1.0) * 8.0).round() as usize;
    match unicode {
        true => BLOCKS.get(eighths).copied().unwrap_or(" "),
        false if eighths >= 4 => "#",
        false => " ",
    }
}

/// A share of so many columns.
pub(super) fn bar(share: f64, columns: usize, unicode: bool) -> String {
    (0..columns).map(|cell| block(share * columns as f64 - cell as f64, unicode)).collect()
}

//! Texts on screens of any width, with names that nobody designed.

use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;
use textwrap::core::display_width;

use super::screen::{Screen, Sheet};

/// The sheet on narrow and wide screens, with and without blocks: no line is too wide, and none holds what can't be shown.
pub(super) fn everywhere(seed: u64, sheet: impl Fn(Screen) -> Sheet) -> Vec<String> {
    let screens =
        [60, 80, 97, 120].into_iter().flat_map(|width| [true, false].map(|unicode| (width, unicode)));
    let shown = screens.map(|(width, unicode)| {
        let text = sheet(Screen { width, unicode }).plain();
        for line in text.lines() {
            assert!(display_width(line) <= width, "seed {seed}, {width} columns: {line:?}");
            assert!(!line.contains(char::is_control), "seed {seed}: {line:?}");
            assert!(unicode || line.is_ascii(), "seed {seed}: {line:?}");
        }
        text
    });
    shown.collect()
}

/// Of any length and any letters.
pub(super) fn any_name(random: &mut ChaCha8Rng) -> String {
    let letters = ['a', 'b', '-', '0', 'é', '界', '\u{1b}', '\n', ' ', '🦀'];
    let length = random.random_range(1..=250);
    (0..length).map(|_| letters[random.random_range(0..letters.len())]).collect()
}

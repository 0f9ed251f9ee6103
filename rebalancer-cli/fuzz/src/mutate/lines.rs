//! Other lines in a text, or other words in a line.

use super::dice::Dice;

const WORDS: &[&[u8]] = &[
    b"0",
    b"1",
    b"-1",
    b"3",
    b"60",
    b"99",
    b"0.5",
    b"1e308",
    b"NaN",
    b"99999999999",
    b"18446744073709551615",
    b"0s",
    b"24h",
    b"30d",
    b"true",
    b"none",
    b"\xc3\xa9",
    b"\xff",
    b"$",
    b"pipe",
];

/// The text with a line more, less, elsewhere or changed.
pub fn mutated(text: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (chosen, other) = (dice.roll(lines.len()), dice.roll(lines.len()));
    match dice.roll(6) {
        0 => drop(lines.remove(chosen)),
        1 => lines.insert(other, lines[chosen].clone()),
        2 => lines.swap(chosen, other),
        _ => lines[chosen] = line(&lines[chosen], dice),
    }
    lines.join(&b'\n')
}

/// With another word, or a part of one.
fn line(line: &[u8], dice: &mut Dice) -> Vec<u8> {
    let ends = |byte: &u8| matches!(byte, b' ' | b'=' | b',');
    let begins: Vec<usize> = std::iter::once(0)
        .chain(line.iter().enumerate().filter(|(_, byte)| ends(byte)).map(|(at, _)| at + 1))
        .collect();
    let from = *dice.one_of(&begins[begins.len().min(2) - 1..]);
    let to = from + line[from..].iter().position(ends).unwrap_or(line.len() - from);
    let kept = if dice.roll(3) == 0 { from + dice.roll(to - from + 1) } else { from };
    [&line[..kept], *dice.one_of(WORDS), &line[to..]].concat()
}

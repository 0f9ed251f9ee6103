//! Mutations that leave an input what it is: JSON with a flipped bit is mostly no JSON any more, and a fuzzer that
//! works on bytes alone stays outside of what it is to test.

mod dice;
mod json;
mod lines;

use dice::Dice;

use crate::{BETWEEN, documents};

/// The size of the new input, which is made in place. Every third one is libFuzzer's own work.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut dice = Dice::new(seed);
    if dice.roll(3) > 0 {
        let mut made = data[..size].to_vec();
        for _ in 0..=dice.roll(3) {
            made = mutated(&made, &mut dice);
        }
        if made.len() <= max_size && made != data[..size] {
            data[..made.len()].copy_from_slice(&made);
            return made.len();
        }
    }
    libfuzzer_sys::fuzzer_mutate(data, size, max_size)
}

/// With another one of its documents.
fn mutated(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = documents(input).into_iter().map(<[u8]>::to_vec).collect();
    let chosen = dice.roll(parts.len());
    let part = &parts[chosen];
    parts[chosen] = json::mutated(part, dice).unwrap_or_else(|| lines::mutated(part, dice));
    parts.join(BETWEEN)
}

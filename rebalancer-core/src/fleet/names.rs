//! Lists of names that are made of other lists, while the program is compiled.

/// The names of both, the first ones first. Does not compile where `N` is not how many there are.
#[expect(clippy::indexing_slicing, reason = "a mistake does not compile")]
pub(crate) const fn joined<const N: usize>(
    first: &[&'static str],
    second: &[&'static str],
) -> [&'static str; N] {
    assert!(first.len() + second.len() == N);
    let mut names = [""; N];
    let mut place = 0;
    while place < N {
        names[place] = if place < first.len() { first[place] } else { second[place - first.len()] };
        place += 1;
    }
    names
}

//! Errors with their causes, for people.

use std::error::Error;

/// An error with its causes, each once: some layers repeat what is below them.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source()).map(ToString::to_string);
    causes.fold(error.to_string(), |words, cause| match words.contains(&cause) {
        true => words,
        false => format!("{words}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Layer {
        words: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(words: &[&'static str]) -> Option<Box<Layer>> {
        let (words, below) = words.split_first()?;
        Some(Box::new(Layer { words, source: layers(below) }))
    }

    #[test]
    fn each_cause_is_told_once() {
        for (words, told) in [
            (&["no cluster found"][..], "no cluster found"),
            (
                &["no cluster found", "no file: a, no token: b", "no file: a", "a"],
                "no cluster found: no file: a, no token: b",
            ),
            (&["not made", "bad key", "line 3"], "not made: bad key: line 3"),
        ] {
            assert_eq!(in_words(&*layers(words).unwrap()), told);
        }
    }
}

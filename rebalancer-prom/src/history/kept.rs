//! Answers that are kept in a folder, so that a run that was stopped goes on where it was, and the next one asks only for
//! what is new.
//!
//! Each file has the question in its first line and the raw answer after it: a file of another question is never used.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

/// Samples may arrive late for this long, so that what is younger is asked for again.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// A folder of answers.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
    now: Timestamp,
}

impl Kept {
    /// In this folder, at this time. The folder is made with the first answer.
    #[must_use]
    pub const fn new(folder: PathBuf, now: Timestamp) -> Self {
        Self { folder, now }
    }

    /// What ends at this time will not change any more.
    #[must_use]
    pub fn keeps_until(&self, last: Option<Timestamp>) -> bool {
        last.is_some_and(|last| self.now.duration_since(last) >= LATE)
    }

    /// The answer to exactly this question, where it is kept. `name` is what the file's name begins with.
    #[must_use]
    pub fn get(&self, name: &str, question: &str) -> Option<Vec<u8>> {
        let mut content = fs::read(self.file(name, question)).ok()?;
        let end = content.iter().position(|byte| *byte == b'\n')?;
        let rest = content.split_off(end + 1);
        content.pop();
        (content == first_line(question).as_bytes()).then_some(rest)
    }

    /// Keeps an answer. One that can't be kept is asked for again, and that is all.
    pub fn put(&self, name: &str, question: &str, body: &[u8]) {
        if let Err(error) = self.write(name, question, body) {
            tracing::warn!(event = "answer_not_kept", folder = %self.folder.display(), %error, "an answer was not kept");
        }
    }

    fn write(&self, name: &str, question: &str, body: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let file = self.file(name, question);
        // A run that is stopped here leaves no half of an answer under the name of a whole one.
        let half = file.with_extension(format!("{}.half", std::process::id()));
        let mut writer = fs::File::create(&half)?;
        writer.write_all(first_line(question).as_bytes())?;
        writer.write_all(b"\n")?;
        writer.write_all(body)?;
        drop(writer);
        fs::rename(half, file)
    }

    fn file(&self, name: &str, question: &str) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        self.folder.join(format!("{name}-{:016x}.answer", hasher.finish()))
    }
}

fn first_line(question: &str) -> String {
    question.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_found_again_by_its_whole_question_and_by_no_other() {
        let folder = std::env::temp_dir().join(format!("backtest-kept-{}", std::process::id()));
        let now = Timestamp::from_second(1_000_000).unwrap();
        let kept = Kept::new(folder.clone(), now);
        assert_eq!(kept.get("cpu", "from 1\nto 2"), None);
        kept.put("cpu", "from 1\nto 2", b"the answer\nof two lines");
        assert_eq!(kept.get("cpu", "from 1\nto 2").as_deref(), Some(&b"the answer\nof two lines"[..]));
        assert_eq!(kept.get("cpu", "from 1 to 3"), None);
        // A file of another question under this one's name.
        fs::copy(kept.file("cpu", "from 1\nto 2"), kept.file("cpu", "other")).unwrap();
        assert_eq!(kept.get("cpu", "other"), None);
        fs::remove_dir_all(folder).unwrap();
        assert!(kept.keeps_until(Some(now - SignedDuration::from_hours(2))));
        assert!(!kept.keeps_until(Some(now - SignedDuration::from_mins(5))) && !kept.keeps_until(None));
    }
}

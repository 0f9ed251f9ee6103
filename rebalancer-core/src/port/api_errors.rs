//! What goes wrong on the way to an API, as numbers.

/// How often requests to an API failed, since its adapter was made. It only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ApiErrors {
    /// Requests that failed or gave no usable answer; each attempt counts.
    pub errors: u64,
    /// Requests that retried a failed one.
    pub retries: u64,
}

impl ApiErrors {
    /// The increase since then.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            errors: self.errors.saturating_sub(earlier.errors),
            retries: self.retries.saturating_sub(earlier.retries),
        }
    }
}

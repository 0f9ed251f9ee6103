//! The fleet that most scenarios begin with.

/// Hot 1.2 and 1.1, cold 0.4 and 0.3, at a request of one core and a target of 70 %.
pub(crate) const WORKED_EXAMPLE: [f64; 6] = [1.2, 1.1, 0.8, 0.6, 0.4, 0.3];

/// Six pods, of which four may go.
pub(crate) const FOUR_MAY_GO: [(&str, &str); 1] = [("MINIMUM_PODS_REQUIRED", "2")];

//! Groups of consumers and what librdkafka's assignors make of them, as lines of JSON.

pub mod group;
pub mod random;
pub mod story;

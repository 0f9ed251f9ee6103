//! Holds the benches; has no code of its own.

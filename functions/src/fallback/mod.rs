//! What no route takes.

pub(crate) mod answer;

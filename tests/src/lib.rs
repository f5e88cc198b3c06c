//! The promises as tests: see `all/`.

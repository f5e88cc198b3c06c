//! What work asked of AWS, added up, and what AWS takes for it.

use local::Stack;
use serde::Serialize;

use crate::price::Prices;

/// What was asked of AWS.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Spent {
    /// Requests to DynamoDB.
    pub(crate) round_trips: usize,
    pub(crate) read_units: f64,
    pub(crate) write_units: f64,
    /// Requests to S3.
    pub(crate) s3: usize,
}

impl Spent {
    /// What functions asked for since the calls were cleared; only those that are named.
    pub(crate) fn by(stack: &Stack, functions: &[&str]) -> Self {
        let mut spent = Self::default();
        for ((function, service, _), sum) in stack.call_sums() {
            match service.as_str() {
                _ if !functions.contains(&function) => {}
                "dynamodb" => {
                    spent.round_trips += sum.calls;
                    spent.read_units += sum.consumed_read;
                    spent.write_units += sum.consumed_write;
                }
                "s3" => spent.s3 += sum.calls,
                _ => {}
            }
        }
        spent
    }

    /// Units of both kinds.
    pub(crate) fn units(&self) -> f64 {
        self.read_units + self.write_units
    }

    /// What DynamoDB takes for it.
    pub(crate) fn dollars(&self, prices: &Prices) -> f64 {
        prices.of_units(self.read_units, self.write_units) / 1e6
    }
}

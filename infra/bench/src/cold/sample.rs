//! One start of a function, and what many of them amount to.

use std::time::Duration;

/// One start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Until the first request for an event.
    pub(crate) init: Duration,
    pub(crate) init_cpu: Duration,
    /// Until the first answer, without the while in which the process was looked at.
    pub(crate) cold: Duration,
    pub(crate) cold_cpu: Duration,
    /// Resident memory after the first answer, in KB.
    pub(crate) resident: u64,
    pub(crate) peak: u64,
}

/// Many starts: alone, or each with the start of the unit right before it.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    pub(crate) alone: Vec<Sample>,
    pub(crate) pairs: Vec<(Sample, Sample)>,
}

impl Samples {
    /// The median of a figure.
    pub(crate) fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        let paired = self.pairs.iter().map(|(own, _)| own);
        median(self.alone.iter().chain(paired).map(figure).collect())
    }

    /// The median of the ratio to the unit, start by start: what else the machine does falls on both.
    pub(crate) fn ratio(&self, figure: impl Fn(&Sample) -> f64) -> Option<f64> {
        let ratios: Vec<f64> = self
            .pairs
            .iter()
            .map(|(own, unit)| figure(own) / figure(unit))
            .collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median(vec![9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
    }
}

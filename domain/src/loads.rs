//! Loads: what containers use of processor and memory, while somebody looks.

use crate::ids::ContainerId;
use serde::{Deserialize, Serialize};

/// The box that lines are drawn in, in units of their own.
pub const WIDTH: f64 = 60.0;
pub const HEIGHT: f64 = 20.0;

/// What one container uses now, and how it has been. What its engine does not measure is nothing, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerLoad {
    pub id: ContainerId,
    /// Of one processor: 250 is two and a half of them.
    pub cpu_percent: Option<f32>,
    pub memory_bytes: Option<u64>,
    /// Its own limit, or the machine's memory where it has none.
    pub memory_limit: Option<u64>,
    /// The last hour as an SVG path in a box of 60 × 20; all of one answer have one scale.
    pub cpu_line: String,
    pub memory_line: String,
    /// Why something is not measured, and what to do.
    pub note: Option<String>,
}

/// A line through (place from 0 to 1, value), where `most` is the height of the box.
pub fn path(values: &[(f64, f64)], most: f64) -> String {
    let mut path = String::new();
    for (place, value) in values {
        let (x, y) = (
            place.clamp(0.0, 1.0) * WIDTH,
            HEIGHT - 1.0 - (value / most.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) * (HEIGHT - 2.0),
        );
        path.push(if path.is_empty() { 'M' } else { 'L' });
        path.push_str(&format!("{x:.1} {y:.1}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_in_its_box() {
        assert_eq!(path(&[], 1.0), "");
        assert_eq!(
            path(&[(0.0, 0.0), (0.5, 5.0), (1.0, 99.0)], 10.0),
            "M0.0 19.0L30.0 10.0L60.0 1.0"
        );
        assert_eq!(path(&[(2.0, -1.0)], 0.0), "M60.0 19.0");
    }
}

//! Measures of one patch.

use spolia_dataset::{Patch, Problem, Reader};
use spolia_measure::{Measure, measure_rgb_at};

/// The patch's measures, in their order.
///
/// # Errors
/// A [`Problem`] that names the patch: it cannot be read, or a measure is not defined for it.
pub fn measure(patch: &Patch, reader: &Reader, measures: &[Measure]) -> Result<Vec<f64>, Problem> {
    let problem = |what: String| Problem {
        item: patch.id.clone(),
        what,
        remedy: "the others are measured without it".into(),
    };
    let image = reader.read(patch).map_err(|e| problem(e.to_string()))?;
    measure_rgb_at(&image.data, image.width, image.height, patch.mpp, measures)
        .map_err(|e| problem(e.to_string()))
}

//! Instance masks given beside the patches.

use std::path::Path;

use spolia_dataset::{Patch, Problem};
use spolia_measure::nuclei::InstanceMask;

/// The patch's instance mask, `ID.png` in a folder (gray, 8 or 16 bits, 0 background), the id with or without the folders
/// that it names; none where there is no such file.
///
/// # Errors
/// A [`Problem`] that names patch and mask: it cannot be read, has colours, or is not of the patch's `size` (width, height).
pub fn instance_mask(
    patch: &Patch,
    size: (usize, usize),
    masks: &Path,
) -> Result<Option<InstanceMask>, Problem> {
    let own = patch.id.rsplit('/').next().unwrap_or(&patch.id);
    let file = [&patch.id, own]
        .map(|name| masks.join(format!("{name}.png")))
        .into_iter()
        .find(|file| file.is_file());
    let Some(file) = file else {
        return Ok(None);
    };
    let wrong = |what: String| Problem {
        item: patch.id.clone(),
        what: format!("{}: {what}", file.display()),
        remedy: "the others are measured without it".into(),
    };
    let mask = image::open(&file).map_err(|e| wrong(e.to_string()))?;
    let found = (mask.width() as usize, mask.height() as usize);
    if found != size {
        return Err(wrong(format!(
            "the mask is {} x {} px, its patch {} x {} px",
            found.0, found.1, size.0, size.1
        )));
    }
    if mask.color().has_color() {
        return Err(wrong(
            "an instance mask is gray: the number of each nucleus".into(),
        ));
    }
    let labels = mask.into_luma16().into_raw().into_iter().map(u32::from);
    InstanceMask::new(labels.collect(), size.0, size.1)
        .map(Some)
        .map_err(|e| wrong(e.to_string()))
}

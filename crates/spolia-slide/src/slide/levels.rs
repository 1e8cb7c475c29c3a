//! Which images of a pyramid are its levels, and by how much each is smaller than level 0.

use super::Level;
use crate::tiff::Raster;
use crate::vendor::Stage;

/// Levels with their downsampling, without images that are none: those that do not shrink, or
/// not evenly.
pub(super) fn levels(stages: Vec<Stage>) -> (Vec<Level>, Vec<Raster>) {
    let (mut levels, mut rasters) = (Vec::<Level>::new(), Vec::new());
    for Stage { raster, downsample } in stages {
        let (mut width, mut height) = (raster.width, raster.height);
        let downsample = match (levels.first(), downsample) {
            (None, _) => 1.0,
            (Some(base), Some(stated)) => {
                // padding beyond the base's own size is no part of the level
                width = width.min(((base.width as f64 / stated) as u64).max(1));
                height = height.min(((base.height as f64 / stated) as u64).max(1));
                stated
            }
            (Some(base), None) => match shrinkage((base.width, base.height), (width, height)) {
                Some(ratio) => ratio,
                None => continue,
            },
        };
        if levels
            .last()
            .is_some_and(|finer| downsample <= finer.downsample)
        {
            continue;
        }
        levels.push(Level {
            width,
            height,
            downsample,
            tile: (raster.tile_width, raster.tile_height),
            compression: raster.compression(),
        });
        rasters.push(raster);
    }
    (levels, rasters)
}

/// By how much a level is smaller than the base; `None` where the two sides disagree by more than
/// rounding to whole pixels explains.
fn shrinkage(base: (u64, u64), level: (u64, u64)) -> Option<f64> {
    let across = base.0 as f64 / level.0 as f64;
    let down = base.1 as f64 / level.1 as f64;
    let mean = (across + down) / 2.0;
    let whole = mean.round().max(1.0) as u64;
    let rounds =
        |base: u64, level: u64| level == (base / whole).max(1) || level == base.div_ceil(whole);
    if rounds(base.0, level.0) && rounds(base.1, level.1) {
        return Some(whole as f64);
    }
    let off = |base: u64, level: u64| (base as f64 / mean - level as f64).abs();
    let slack = |level: u64| 2.0 + level as f64 * 0.01;
    (off(base.0, level.0) <= slack(level.0) && off(base.1, level.1) <= slack(level.1))
        .then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::shrinkage;

    #[test]
    fn whole_downsampling_is_found() {
        assert_eq!(shrinkage((4443, 3567), (2221, 1783)), Some(2.0));
        assert_eq!(shrinkage((46_920, 33_014), (11_730, 8_253)), Some(4.0));
        assert_eq!(shrinkage((9, 9), (3, 3)), Some(3.0));
        assert_eq!(shrinkage((5, 3), (1, 1)), Some(4.0));
        assert_eq!(shrinkage((1000, 1000), (400, 400)), Some(2.5));
        assert_eq!(shrinkage((1000, 1000), (400, 100)), None);
    }
}

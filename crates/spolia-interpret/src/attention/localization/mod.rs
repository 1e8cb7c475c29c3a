//! Does a map fall on nuclei, on annotated tissue, on whatever a mask marks, more than chance?
//!
//! [`Region`] is the mask, [`localization`] judges one map of one patch, [`super::mean_over_groups`] averages patches with an
//! interval over whole patients. What chance scores is [`Region::chance`]; [`super::centre_map`] and [`super::stain_map`] are
//! judged as any map.
//!
//! ```
//! use spolia_interpret::attention::{Map, localization::{Region, localization}};
//! # fn main() -> Result<(), spolia_interpret::Error> {
//! // 2 x 2 pixels, the left column marked.
//! let region = Region::new(vec![true, false, true, false], 2, 2, 0.0)?;
//! let map = Map { height: 2, width: 2, values: vec![6.0, 1.0, 2.0, 1.0] };
//! let found = localization(&map, &region)?.expect("something and not everything is marked");
//! assert_eq!((found.pointing, found.energy), (1.0, 0.8));
//! assert_eq!((found.top_share, found.enrichment, found.auc), (1.0, 2.0, 1.0));
//! # Ok(())
//! # }
//! ```

mod region;

pub use region::Region;

use super::Map;
use crate::Error;

/// How well a map finds a region. All but the enrichment are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Localization {
    /// The pointing game (Zhang et al. 2016): 1 where the map's maximum lies in the region or within the tolerance of
    /// it, else 0; the share of the maxima where several are equal. The maximum is sought at the map's own resolution.
    pub pointing: f64,
    /// Share of the map's sum that lies inside (Wang et al. 2020, "energy-based pointing game"; Quantus' relevance mass
    /// accuracy). Of a map without any attention it is chance.
    pub energy: f64,
    /// Share of the k strongest pixels that lie inside, k being the region's area (Quantus' relevance rank accuracy).
    pub top_share: f64,
    /// `top_share` over the region's share of the image: 1 is chance.
    pub enrichment: f64,
    /// Area under the ROC curve of the map as a detector of the region's pixels: .5 is chance.
    pub auc: f64,
}

impl Localization {
    /// The measures' names, in the order of [`Localization::values`].
    pub const NAMES: [&'static str; 5] = ["pointing", "energy", "top_share", "enrichment", "auc"];

    /// The measures.
    #[must_use]
    pub fn values(&self) -> [f64; 5] {
        [
            self.pointing,
            self.energy,
            self.top_share,
            self.enrichment,
            self.auc,
        ]
    }
}

/// Judges a map. Each of its cells covers the part of the region's image that lies under it; the values are not
/// interpolated (give [`Map::resized`] to have them so, as most tools do), because interpolated values are the more even
/// the farther from the border, so that the strongest ones of a map that knows nothing would lie there. None where the
/// region is empty or the whole image, of which nothing can be told.
///
/// # Errors
/// [`Error::NotFinite`] or [`Error::Setting`] for a map with NaN, an infinity or a negative value, [`Error::Shape`] for
/// an empty one.
pub fn localization(map: &Map, region: &Region) -> Result<Option<Localization>, Error> {
    map.check()?;
    if let Some(value) = map.values.iter().find(|v| **v < 0.0) {
        return Err(Error::Setting {
            what: "a value of an attention map",
            value: value.to_string(),
            allowed: "0 or more, or take the positive part first",
        });
    }
    let Some(chance) = region.chance() else {
        return Ok(None);
    };
    let values = spread(map, region);
    let (mut all, mut inside) = (0f64, 0f64);
    for (&v, &within) in values.iter().zip(region.inside()) {
        all += f64::from(v);
        inside += if within { f64::from(v) } else { 0.0 };
    }
    let top_share = top_share(&values, region);
    let scores: Vec<f64> = values.iter().map(|&v| v.into()).collect();
    Ok(Some(Localization {
        pointing: pointing(map, region),
        energy: if all > 0.0 {
            inside / all
        } else {
            chance.energy
        },
        top_share,
        enrichment: top_share / chance.top_share,
        auc: spolia_stats::auc(&scores, region.inside())?,
    }))
}

/// Each pixel's value: that of the cell that its centre lies in.
fn spread(map: &Map, region: &Region) -> Vec<f32> {
    let cell = |i: usize, side: usize, cells: usize| (2 * i + 1) * cells / (2 * side);
    (0..region.height())
        .flat_map(|y| {
            let row = cell(y, region.height(), map.height) * map.width;
            (0..region.width()).map(move |x| map.values[row + cell(x, region.width(), map.width)])
        })
        .collect()
}

/// Share of the map's maxima whose place is near the region; the place of a cell is its centre.
fn pointing(map: &Map, region: &Region) -> f64 {
    let (_, top) = map.range();
    let (mut maxima, mut hits) = (0f64, 0f64);
    for (cell, _) in map.values.iter().enumerate().filter(|(_, v)| **v == top) {
        let rows = centre(cell / map.width, map.height, region.height());
        let columns = centre(cell % map.width, map.width, region.width());
        let places = rows.map(|y| columns.map(|x| region.near()[y * region.width() + x]));
        let near = places.iter().flatten().filter(|near| **near).count();
        maxima += 1.0;
        hits += near as f64 / 4.0;
    }
    hits / f64::max(maxima, 1.0)
}

/// The pixel of a side that holds the centre of cell `i` of `cells`, twice; the two pixels where it lies between them.
fn centre(i: usize, cells: usize, side: usize) -> [usize; 2] {
    let (at, of) = ((2 * i + 1) * side, 2 * cells);
    let pixel = at / of;
    [if at % of == 0 { pixel - 1 } else { pixel }, pixel]
}

/// Share of the strongest pixels, as many as the region has, that lie inside. Of the pixels equal to the weakest that
/// still counts, as many as are needed count, at the region's share among them.
fn top_share(values: &[f32], region: &Region) -> f64 {
    let k = region.area();
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let least = sorted[k - 1];
    let (mut above, mut above_inside, mut tied, mut tied_inside) = (0usize, 0usize, 0usize, 0usize);
    for (&v, &within) in values.iter().zip(region.inside()) {
        if v > least {
            above += 1;
            above_inside += usize::from(within);
        } else if v == least {
            tied += 1;
            tied_inside += usize::from(within);
        }
    }
    let needed = (k - above) as f64;
    (above_inside as f64 + needed * tied_inside as f64 / tied.max(1) as f64) / k as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32], width: usize) -> Map {
        Map {
            height: values.len() / width,
            width,
            values: values.to_vec(),
        }
    }

    #[test]
    fn a_map_that_misses() {
        let region = Region::new(vec![true, false, false, false], 4, 1, 0.0).unwrap();
        let found = localization(&map(&[1.0, 2.0, 3.0, 4.0], 4), &region)
            .unwrap()
            .unwrap();
        assert_eq!(found.values(), [0.0, 0.1, 0.0, 0.0, 0.0]);
        // Within a tolerance of three pixels the maximum hits.
        let region = Region::new(vec![true, false, false, false], 4, 1, 3.0).unwrap();
        let found = localization(&map(&[1.0, 2.0, 3.0, 4.0], 4), &region)
            .unwrap()
            .unwrap();
        assert_eq!(found.pointing, 1.0);
    }

    /// A flat map, of zeros or not, scores what chance scores.
    #[test]
    fn flat_maps_are_chance() {
        let inside: Vec<bool> = (0..20).map(|i| i % 5 == 0).collect();
        let region = Region::new(inside, 5, 4, 0.0).unwrap();
        for value in [0.0, 3.0] {
            let found = localization(&map(&[value; 20], 5), &region)
                .unwrap()
                .unwrap();
            for (got, expected) in found.values().iter().zip(region.chance().unwrap().values()) {
                assert!((got - expected).abs() < 1e-12);
            }
        }
    }

    /// The strongest of 2 x 2 cells of a 4 x 4 image points at the corner that its four pixels share.
    #[test]
    fn coarse_maps_point_at_centres() {
        let mut inside = vec![false; 16];
        inside[3] = true; // first row, last column
        inside[6] = true; // second row, third column
        let region = Region::new(inside, 4, 4, 0.0).unwrap();
        let found = localization(&map(&[0.0, 1.0, 0.0, 0.0], 2), &region)
            .unwrap()
            .unwrap();
        assert_eq!(found.pointing, 0.5);
        // Its cell covers four pixels, two of them inside.
        assert_eq!(
            (found.energy, found.top_share, found.auc),
            (0.5, 0.5, 13.0 / 14.0)
        );
        assert_eq!(centre(1, 3, 9), [4, 4]);
        assert_eq!(centre(3, 8, 4), [1, 1]);
        assert_eq!(centre(7, 8, 4), [3, 3]);
    }

    #[test]
    fn nothing_to_find() {
        for inside in [vec![false; 4], vec![true; 4]] {
            let region = Region::new(inside, 2, 2, 1.0).unwrap();
            assert_eq!(localization(&map(&[1.0; 4], 2), &region).unwrap(), None);
        }
        let region = Region::new(vec![true, false], 2, 1, 1.0).unwrap();
        assert!(localization(&map(&[-1.0, 0.0], 2), &region).is_err());
        assert!(localization(&map(&[f32::NAN, 0.0], 2), &region).is_err());
    }
}

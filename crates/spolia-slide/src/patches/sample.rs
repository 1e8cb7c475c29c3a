//! Drawing places: at random or on a grid.

use std::collections::HashMap;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Patch, Resolved, Sampling};
use crate::annotation::{Label, Shape};
use crate::slide::Slide;
use crate::tissue::Mask;
use crate::{Error, Result};

/// Cells that an annotated area is divided into along its longer side.
const CELLS: f64 = 512.0;

/// What all patches of one slide have in common.
struct Frame<'a> {
    name: String,
    mask: &'a Mask,
    tumor: Option<&'a Shape>,
    sampling: &'a Sampling,
    width: u64,
    height: u64,
    span: f64,
    level: usize,
    mpp_asked: Option<f64>,
    mpp: Option<f64>,
}

impl<'a> Frame<'a> {
    fn new(
        slide: &Slide,
        mask: &'a Mask,
        tumor: Option<&'a Shape>,
        sampling: &'a Sampling,
    ) -> Result<Self> {
        check(
            "the patch's size in pixels",
            sampling.size.into(),
            1.0,
            16_384.0,
            "1 to 16,384",
        )?;
        check(
            "the least share of tissue",
            sampling.tissue,
            0.0,
            1.0,
            "0 to 1",
        )?;
        check(
            "the overlap of patches",
            sampling.overlap,
            0.0,
            1.0,
            "0 to 1",
        )?;
        let size = f64::from(sampling.size);
        let (level, downsample, mpp_asked) = match sampling.resolved {
            Resolved::Mpp(mpp) => {
                let resolution = slide.resolution(mpp)?;
                let own = resolution.level_mpp / slide.levels()[resolution.level].downsample;
                (resolution.level, resolution.effective / own, Some(mpp))
            }
            Resolved::Level(level) => match slide.levels().get(level) {
                Some(found) => (level, found.downsample, None),
                None => {
                    return Err(Error::Region {
                        path: slide.path().to_owned(),
                        what: "level",
                        value: level as f64,
                        expected: format!("below {}", slide.levels().len()),
                    });
                }
            },
        };
        let (width, height) = slide.dimensions();
        let name = slide
            .path()
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Self {
            name,
            mask,
            tumor,
            sampling,
            width,
            height,
            span: size * downsample,
            level,
            mpp_asked,
            mpp: slide.mpp().map(|mpp| mpp.mean() * downsample),
        })
    }

    /// The patch at a place, if it is inside of the slide and on enough tissue, and has a label
    /// where the slide is annotated.
    fn at(&self, x: f64, y: f64) -> Option<Patch> {
        let (x, y) = (x.round(), y.round());
        let inside = x >= 0.0
            && y >= 0.0
            && x + self.span <= self.width as f64
            && y + self.span <= self.height as f64;
        if !inside {
            return None;
        }
        let tissue_share = self.mask.share(x, y, self.span, self.span);
        // a patch without any tissue is none, whatever share is asked for
        if tissue_share < self.sampling.tissue || tissue_share == 0.0 {
            return None;
        }
        let (label, tumor_share) = match self.tumor {
            None => (None, None),
            Some(tumor) => {
                let (label, share) =
                    self.sampling
                        .rule
                        .label(tumor, x, y, self.span, self.sampling.size);
                let label = label.filter(|label| self.sampling.classes.contains(label))?;
                (Some(label), Some(share))
            }
        };
        Some(Patch {
            slide: self.name.clone(),
            x: x as u64,
            y: y as u64,
            size: self.sampling.size,
            span: self.span,
            level: self.level,
            mpp_asked: self.mpp_asked,
            mpp: self.mpp,
            label,
            tumor_share,
            tissue_share,
        })
    }
}

fn check(
    what: &'static str,
    value: f64,
    least: f64,
    most: f64,
    expected: &'static str,
) -> Result<()> {
    if value >= least && value <= most {
        return Ok(());
    }
    Err(Error::Setting {
        what,
        value,
        expected,
    })
}

/// Draws up to `per_class` patches of each class of [`Sampling::classes`] (of a slide without
/// annotations, up to `per_class` in all), as the paper's sampling does (500).
///
/// Centres are uniform over the tissue for normal patches and over the annotated area for tumour.
/// The same seed draws the same patches from a slide of the same name, whatever other slides there
/// are. Fewer come back where the slide has no place for more.
///
/// # Errors
/// A setting out of its range, a level the slide does not have, or µm/px asked of a slide whose own
/// are not known.
pub fn random(
    slide: &Slide,
    mask: &Mask,
    tumor: Option<&Shape>,
    sampling: &Sampling,
    per_class: usize,
    seed: u64,
) -> Result<Vec<Patch>> {
    let frame = Frame::new(slide, mask, tumor, sampling)?;
    let mut classes: Vec<Option<Label>> = match tumor {
        None => vec![None],
        Some(_) => sampling.classes.iter().copied().map(Some).collect(),
    };
    classes.sort_unstable();
    classes.dedup();
    let mut drawn = Drawn {
        span: frame.span,
        most: sampling.overlap,
        places: HashMap::new(),
    };
    let mut patches = Vec::new();
    for (number, class) in classes.into_iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(name_hash(&frame.name).wrapping_add(number as u64));
        let (mut cells, side) = match (class, tumor) {
            (Some(Label::Tumor), Some(shape)) => shape_cells(shape),
            _ => mask_cells(mask),
        };
        cells.shuffle(&mut rng);
        let mut count = 0;
        for [left, top] in cells {
            if count == per_class {
                break;
            }
            let centre = [left, top].map(|corner| corner + rng.random_range(0.0..1.0) * side);
            let place = centre.map(|middle| middle - frame.span / 2.0);
            if let Some(patch) = frame.at(place[0], place[1])
                && patch.label == class
                && drawn.accept(patch.x as f64, patch.y as f64)
            {
                patches.push(patch);
                count += 1;
            }
        }
    }
    Ok(patches)
}

/// All patches of a grid over a slide, in rows, neighbours overlapping by [`Sampling::overlap`] of
/// their side: those inside of the slide, on enough tissue, and of the classes asked for.
///
/// # Errors
/// As [`random`]; and an overlap of 1 (the default of [`Sampling`]), with which a grid would not
/// get on.
pub fn grid(
    slide: &Slide,
    mask: &Mask,
    tumor: Option<&Shape>,
    sampling: &Sampling,
) -> Result<Vec<Patch>> {
    let frame = Frame::new(slide, mask, tumor, sampling)?;
    check(
        "the overlap of a grid's patches",
        sampling.overlap,
        0.0,
        0.95,
        "0 to 0.95",
    )?;
    let step = (frame.span * (1.0 - sampling.overlap)).max(1.0);
    let steps = |length: u64| ((length as f64 - frame.span) / step).floor() as i64;
    let (across, down) = (steps(frame.width), steps(frame.height));
    let places = (0..=down).flat_map(|row| (0..=across).map(move |column| (column, row)));
    Ok(places
        .filter_map(|(column, row)| frame.at(column as f64 * step, row as f64 * step))
        .collect())
}

/// Patches drawn so far, to know which overlap.
struct Drawn {
    span: f64,
    most: f64,
    /// By the cell of a grid as wide as a patch.
    places: HashMap<(i64, i64), Vec<[f64; 2]>>,
}

impl Drawn {
    /// Takes a place, unless a patch that was drawn covers too much of it.
    fn accept(&mut self, x: f64, y: f64) -> bool {
        let cell = ((x / self.span) as i64, (y / self.span) as i64);
        let near = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (cell.0 + dx, cell.1 + dy)));
        let side = |distance: f64| (self.span - distance.abs()).max(0.0);
        let covers =
            |&[px, py]: &[f64; 2]| side(px - x) * side(py - y) > self.most * self.span * self.span;
        if near
            .filter_map(|cell| self.places.get(&cell))
            .flatten()
            .any(covers)
        {
            return false;
        }
        self.places.entry(cell).or_default().push([x, y]);
        true
    }
}

/// Corners of the cells of tissue, and their side.
fn mask_cells(mask: &Mask) -> (Vec<[f64; 2]>, f64) {
    let (width, _) = mask.dimensions();
    let side = mask.downsample();
    let tissue = mask
        .cells()
        .iter()
        .enumerate()
        .filter(|(_, tissue)| **tissue);
    let corner = |at: usize| [(at % width) as f64 * side, (at / width) as f64 * side];
    (tissue.map(|(at, _)| corner(at)).collect(), side)
}

/// Corners of the cells whose centres lie in a shape, and their side.
fn shape_cells(shape: &Shape) -> (Vec<[f64; 2]>, f64) {
    let Some([left, top, right, bottom]) = shape.bounds() else {
        return (Vec::new(), 1.0);
    };
    let side = ((right - left).max(bottom - top) / CELLS).max(1.0);
    let mut cells = Vec::new();
    for row in 0..((bottom - top) / side).ceil() as u32 {
        let y = top + f64::from(row) * side;
        for (from, to) in shape.row(y + side / 2.0) {
            let first = ((from - left) / side - 0.5).ceil().max(0.0) as u32;
            let last = ((to - left) / side - 0.5).ceil().max(0.0) as u32;
            cells.extend((first..last).map(|column| [left + f64::from(column) * side, y]));
        }
    }
    (cells, side)
}

/// FNV-1a: a stream for each slide that only its name decides.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

//! Drawing a patch.

use image::RgbImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::canvas::Canvas;
use super::cohort::PhantomPatch;
use super::draw::normal;
use super::frame::Frame;
use super::measure::{mean, variation};
use super::near::Near;
use super::noise::{LANES, lanes};
use super::scatter::Taken;
use super::stain::Stains;
use super::tissue::{Architecture, Tissue};
use crate::error::{Error, Result};

/// Nuclei whose centre lies this far outside, in µm, may still reach in.
const MARGIN: f32 = 5.0;

/// What is drawn, for patches and slides of one seed; each has its own streams of random numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Labels = 1,
    Centre = 2,
    Patient = 3,
    Patch = 4,
    SlideLabels = 5,
    Slide = 6,
    Nuclei = 7,
    Tile = 8,
}

pub(super) fn rng(seed: u64, draw: Draw, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((draw as u64) << 48) | number);
    rng
}

/// The stains of a centre's laboratory.
pub(super) fn centre_stains(seed: u64, centre: u32) -> Stains {
    Stains::of_centre(&mut rng(seed, Draw::Centre, u64::from(centre)))
}

/// A patient's nuclear size, relative to what is common.
pub(super) fn nuclear_size(seed: u64, patient: u32) -> f32 {
    (0.05 * normal(&mut rng(seed, Draw::Patient, u64::from(patient)))).exp()
}

/// What is true of a patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// 0 for normal tissue, 1 for tumour.
    pub label: u8,
    /// Number of nuclei, those cut by the border included.
    pub n_nuclei: usize,
    /// Mean area of the nuclei that lie wholly inside, in µm²; `None` without any.
    pub mean_area: Option<f64>,
    /// Standard deviation of their area divided by its mean; `None` for fewer than two.
    pub area_cv: Option<f64>,
    /// Standard deviation of the hematoxylin inside a nucleus divided by its mean, averaged over
    /// the nuclei that lie wholly inside; `None` without any.
    pub chromatin_contrast: Option<f64>,
    /// The stains.
    pub stains: Stains,
    /// For each pixel, row by row, the number of its nucleus from 1, or 0.
    pub mask: Vec<u16>,
}

/// Draws a patch and says what is true of it.
///
/// # Errors
/// The patch's size, pixel width or label is out of range.
pub fn patch(spec: &PhantomPatch, seed: u64) -> Result<(RgbImage, Truth)> {
    let wrong = |what, value, expected| {
        Err(Error::Patch {
            id: spec.id.clone(),
            what,
            value,
            expected,
        })
    };
    if !(16..=4_096).contains(&spec.size) {
        return wrong("size", f64::from(spec.size), "16 to 4096 pixels");
    }
    if !(0.1..=4.0).contains(&spec.mpp) {
        return wrong("mpp", spec.mpp, "0.1 to 4 µm per pixel");
    }
    if spec.label > 1 {
        return wrong("label", f64::from(spec.label), "0 (normal) or 1 (tumor)");
    }
    let stains = centre_stains(seed, spec.centre);
    let nuclear_size = nuclear_size(seed, spec.patient);
    let mut rng = rng(seed, Draw::Patch, spec.index);
    let stains = stains.on_patch(&mut rng);
    let tissue = Tissue::of(spec.label == 1, &mut rng);
    let frame = Frame {
        left: 0,
        top: 0,
        size: spec.size as usize,
        mpp: spec.mpp as f32,
    };
    let extent = frame.size as f32 * frame.mpp;
    let reach = -MARGIN..extent + MARGIN;
    let nuclei = Taken::none(frame).scatter(
        &tissue,
        (reach.clone(), reach),
        nuclear_size,
        usize::from(u16::MAX),
        &mut rng,
    );
    let mut canvas = Canvas::new(frame);
    for (nucleus, number) in nuclei.iter().zip(1..) {
        canvas.nucleus(nucleus, number);
    }
    let cells = matches!(
        tissue.architecture,
        Architecture::Nests | Architecture::Lymphoid
    );
    let near = Near::new(&nuclei, (0.0, 0.0), (extent, extent));
    canvas.ground(|x, y| {
        let mut border = [0.0; LANES];
        if cells {
            let (x, y) = tissue.shaken(x, y);
            border = lanes(|k| near.border(x[k], y[k]));
        }
        tissue.concentrations(x, y, &border)
    });
    let image = canvas.develop(&stains, 0, &mut rng);
    Ok((image, truth(spec, frame, &canvas, nuclei.len(), stains)))
}

fn truth(
    spec: &PhantomPatch,
    frame: Frame,
    canvas: &Canvas,
    n_nuclei: usize,
    stains: Stains,
) -> Truth {
    let mut whole = vec![true; n_nuclei];
    let last = frame.size - 1;
    let mut concentration: Vec<Vec<f64>> = vec![Vec::new(); n_nuclei];
    for (pixel, &number) in canvas.mask.iter().enumerate() {
        if number == 0 {
            continue;
        }
        let nucleus = number as usize - 1;
        let (row, column) = (pixel / frame.size, pixel % frame.size);
        if row == 0 || column == 0 || row == last || column == last {
            whole[nucleus] = false;
        }
        concentration[nucleus].push(f64::from(canvas.hematoxylin[pixel]));
    }
    let pixel_area = f64::from(frame.mpp).powi(2);
    let inside = || {
        concentration
            .iter()
            .zip(&whole)
            .filter(|(_, whole)| **whole)
            .map(|(c, _)| c)
    };
    let areas: Vec<f64> = inside().map(|c| c.len() as f64 * pixel_area).collect();
    let contrasts: Vec<f64> = inside().filter_map(|c| variation(c)).collect();
    Truth {
        label: spec.label,
        n_nuclei,
        mean_area: mean(&areas),
        area_cv: variation(&areas),
        chromatin_contrast: mean(&contrasts),
        stains,
        // At most u16::MAX nuclei are placed.
        mask: canvas.mask.iter().map(|&number| number as u16).collect(),
    }
}

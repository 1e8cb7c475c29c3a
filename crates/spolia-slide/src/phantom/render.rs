//! Drawing a patch.

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::cohort::PhantomPatch;
use super::draw::{between, normal};
use super::nucleus::Nucleus;
use super::stain::Stains;
use super::tissue::{Architecture, Tissue};
use crate::error::{Error, Result};

/// Fewer pixels than this are no nucleus, only the tip of one that lies outside.
const LEAST_PIXELS: usize = 4;
/// Nuclei whose centre lies this far outside, in µm, may still reach in.
const MARGIN: f32 = 5.0;

/// What is drawn, for patches of one seed; each has its own streams of random numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Draw {
    Labels = 1,
    Centre = 2,
    Patient = 3,
    Patch = 4,
}

pub(super) fn stream(draw: Draw, number: u64) -> u64 {
    ((draw as u64) << 48) | number
}

fn rng(seed: u64, draw: Draw, number: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream(draw, number));
    rng
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
    let stains = Stains::of_centre(&mut rng(seed, Draw::Centre, u64::from(spec.centre)));
    let nuclear_size =
        (0.05 * normal(&mut rng(seed, Draw::Patient, u64::from(spec.patient)))).exp();
    let mut rng = rng(seed, Draw::Patch, spec.index);
    let stains = stains.on_patch(&mut rng);
    let tissue = Tissue::of(spec.label == 1, &mut rng);
    let mut canvas = Canvas::new(spec.size as usize, spec.mpp as f32);
    canvas.place_nuclei(&tissue, nuclear_size, &mut rng);
    canvas.fill_between(&tissue);
    let image = canvas.develop(&stains, &mut rng);
    let truth = canvas.truth(spec.label, stains);
    Ok((image, truth))
}

/// Concentrations of the stains and numbers of the nuclei, pixel by pixel.
struct Canvas {
    size: usize,
    mpp: f32,
    hematoxylin: Vec<f32>,
    eosin: Vec<f32>,
    mask: Vec<u16>,
    nuclei: Vec<Nucleus>,
}

impl Canvas {
    fn new(size: usize, mpp: f32) -> Self {
        let pixels = size * size;
        Canvas {
            size,
            mpp,
            hematoxylin: vec![0.0; pixels],
            eosin: vec![0.0; pixels],
            mask: vec![0; pixels],
            nuclei: Vec::new(),
        }
    }

    /// Centre of a column or row, in µm.
    fn centre(&self, index: usize) -> f32 {
        (index as f32 + 0.5) * self.mpp
    }

    /// Throws nuclei at random and keeps those that fall on free ground.
    fn place_nuclei(&mut self, tissue: &Tissue, nuclear_size: f32, rng: &mut ChaCha8Rng) {
        let extent = self.size as f32 * self.mpp;
        let area = (extent + 2.0 * MARGIN).powi(2);
        let densest = 0.0195;
        // As many throws as nuclei would be wanted at the highest density, and then as many again
        // because some fall on others.
        let throws = (2.0 * densest * area).ceil() as usize;
        let mut taken = vec![false; self.size * self.size];
        for _ in 0..throws {
            let x = between(rng, -MARGIN, extent + MARGIN);
            let y = between(rng, -MARGIN, extent + MARGIN);
            let chance: f32 = rng.random();
            if chance * densest > tissue.density(x, y) {
                continue;
            }
            if self.nuclei.len() >= usize::from(u16::MAX) {
                return;
            }
            let kind = tissue.cell(x, y, rng);
            let nucleus = Nucleus::of(kind, x, y, tissue.fibre_direction(x, y), nuclear_size, rng);
            self.place(nucleus, &mut taken);
        }
    }

    fn place(&mut self, nucleus: Nucleus, taken: &mut [bool]) {
        let soft = self.mpp.max(0.4);
        let range = |middle: f32| {
            let low = ((middle - nucleus.reach()) / self.mpp).floor().max(0.0) as usize;
            let high = ((middle + nucleus.reach()) / self.mpp).ceil().max(0.0) as usize;
            low..high.min(self.size)
        };
        let mut covered = Vec::new();
        let mut inside = 0;
        for row in range(nucleus.y) {
            for column in range(nucleus.x) {
                let level = nucleus.level(self.centre(column), self.centre(row));
                if level < 1.2 {
                    let pixel = row * self.size + column;
                    if taken[pixel] {
                        return;
                    }
                    inside += usize::from(level < 1.0);
                    covered.push((pixel, level));
                }
            }
        }
        if inside < LEAST_PIXELS {
            return;
        }
        // At most u16::MAX nuclei are placed.
        let number = (self.nuclei.len() + 1) as u16;
        for (pixel, level) in covered {
            let (x, y) = (
                self.centre(pixel % self.size),
                self.centre(pixel / self.size),
            );
            self.hematoxylin[pixel] += nucleus.concentration(x, y, level, soft);
            if level < 1.0 {
                self.mask[pixel] = number;
            }
            taken[pixel] = level < 1.08;
        }
        self.nuclei.push(nucleus);
    }

    /// Adds fibres and cytoplasm; inside a nucleus little of them is seen.
    fn fill_between(&mut self, tissue: &Tissue) {
        let cells = matches!(
            tissue.architecture,
            Architecture::Nests | Architecture::Lymphoid
        );
        let near = Near::new(&self.nuclei, self.size as f32 * self.mpp);
        for row in 0..self.size {
            for column in 0..self.size {
                let pixel = row * self.size + column;
                let (x, y) = (self.centre(column), self.centre(row));
                let border = if cells {
                    let (x, y) = tissue.shaken(x, y);
                    near.border(x, y)
                } else {
                    0.0
                };
                let (h, e) = tissue.concentrations(x, y, border);
                let open = 1.0 - 0.55 * (self.hematoxylin[pixel] / 0.5).min(1.0);
                self.hematoxylin[pixel] += h * open;
                self.eosin[pixel] = e * open;
            }
        }
    }

    /// Light through the tissue, blurred by the optics, with the sensor's noise, as 8 bit values.
    fn develop(&self, stains: &Stains, rng: &mut ChaCha8Rng) -> RgbImage {
        let light: Vec<[f32; 3]> = self
            .hematoxylin
            .iter()
            .zip(&self.eosin)
            .map(|(&h, &e)| stains.light_through(h, e))
            .collect();
        let light = blur(&light, self.size, (0.3 / self.mpp).max(0.35));
        // Photons: the noise grows with the root of the light.
        let grain = between(rng, 0.010, 0.018);
        RgbImage::from_fn(self.size as u32, self.size as u32, |x, y| {
            let lit = light[y as usize * self.size + x as usize];
            Rgb(lit.map(|v| {
                let seen = v + grain * v.max(0.0).sqrt() * triangular(rng);
                (255.0 * seen).round().clamp(0.0, 255.0) as u8
            }))
        })
    }

    fn truth(self, label: u8, stains: Stains) -> Truth {
        let mut whole = vec![true; self.nuclei.len()];
        let last = self.size - 1;
        let mut concentration: Vec<Vec<f64>> = vec![Vec::new(); self.nuclei.len()];
        for (pixel, &number) in self.mask.iter().enumerate() {
            if number == 0 {
                continue;
            }
            let nucleus = usize::from(number) - 1;
            let (row, column) = (pixel / self.size, pixel % self.size);
            if row == 0 || column == 0 || row == last || column == last {
                whole[nucleus] = false;
            }
            concentration[nucleus].push(f64::from(self.hematoxylin[pixel]));
        }
        let pixel_area = f64::from(self.mpp).powi(2);
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
            label,
            n_nuclei: self.nuclei.len(),
            mean_area: mean(&areas),
            area_cv: variation(&areas),
            chromatin_contrast: mean(&contrasts),
            stains,
            mask: self.mask,
        }
    }
}

/// Finds the two nearest nuclei of a place.
struct Near {
    cells: Vec<Vec<(f32, f32)>>,
    across: usize,
}

impl Near {
    /// Width of a cell of the search grid in µm; neighbours further off make no visible border.
    const CELL: f32 = 12.0;

    fn new(nuclei: &[Nucleus], extent: f32) -> Self {
        let across = ((extent + 2.0 * MARGIN) / Self::CELL).ceil() as usize + 1;
        let mut cells = vec![Vec::new(); across * across];
        for nucleus in nuclei {
            let cell = Self::cell(nucleus.y) * across + Self::cell(nucleus.x);
            if let Some(cell) = cells.get_mut(cell) {
                cell.push((nucleus.x, nucleus.y));
            }
        }
        Near { cells, across }
    }

    fn cell(v: f32) -> usize {
        ((v + MARGIN) / Self::CELL).max(0.0) as usize
    }

    /// 1 where two nuclei are equally near, falling to 0 within about a µm.
    fn border(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (Self::cell(x), Self::cell(y));
        let (mut first, mut second) = (f32::MAX, f32::MAX);
        for r in row.saturating_sub(1)..=(row + 1).min(self.across - 1) {
            for c in column.saturating_sub(1)..=(column + 1).min(self.across - 1) {
                for &(nx, ny) in &self.cells[r * self.across + c] {
                    let d2 = (nx - x).powi(2) + (ny - y).powi(2);
                    second = second.min(d2.max(first));
                    first = first.min(d2);
                }
            }
        }
        if second == f32::MAX {
            return 0.0;
        }
        let gap = second.sqrt() - first.sqrt();
        (-(gap / 1.1).powi(2)).exp()
    }
}

/// A number of mean 0 and variance 1 from two even ones: near enough to normal for a sensor.
fn triangular(rng: &mut ChaCha8Rng) -> f32 {
    2.449_49 * (rng.random::<f32>() + rng.random::<f32>() - 1.0)
}

/// Gaussian blur of `sigma` pixels, the border being repeated.
fn blur(light: &[[f32; 3]], size: usize, sigma: f32) -> Vec<[f32; 3]> {
    let radius = (2.5 * sigma).ceil() as usize;
    let weight = |d: usize| (-0.5 * (d as f32 / sigma).powi(2)).exp();
    let total: f32 = weight(0) + 2.0 * (1..=radius).map(weight).sum::<f32>();
    let weights: Vec<f32> = (0..=radius).map(|d| weight(d) / total).collect();
    let pass = |from: &[[f32; 3]], step: usize, position: fn(usize, usize) -> usize| {
        let mut to = vec![[0.0f32; 3]; from.len()];
        for (pixel, out) in to.iter_mut().enumerate() {
            let place = position(pixel, size);
            let start = pixel - place * step;
            for (d, &w) in weights.iter().enumerate() {
                let low = from[start + place.saturating_sub(d) * step];
                let high = from[start + (place + d).min(size - 1) * step];
                for c in 0..3 {
                    out[c] += if d == 0 {
                        w * low[c]
                    } else {
                        w * (low[c] + high[c])
                    };
                }
            }
        }
        to
    };
    let across = pass(light, 1, |pixel, size| pixel % size);
    pass(&across, size, |pixel, size| pixel / size)
}

fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        None
    } else {
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Standard deviation (of the sample) divided by the mean.
fn variation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    if values.len() < 2 || mean == 0.0 {
        return None;
    }
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt() / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variation_is_the_sample_deviation_over_the_mean() {
        // Mean 4, squares 4 + 0 + 4, deviation 2.
        assert_eq!(variation(&[2.0, 4.0, 6.0]), Some(0.5));
        assert_eq!(variation(&[2.0]), None);
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn blur_keeps_flat_light_and_spreads_a_point_evenly() {
        let flat = blur(&[[0.5; 3]; 25], 5, 0.8);
        assert!(flat.iter().flatten().all(|v| (v - 0.5).abs() < 1e-6));
        let mut point = [[0.0; 3]; 49];
        point[24] = [1.0; 3];
        let spread = blur(&point, 7, 0.5);
        // Weights at sigma 0.5: 1, e^-2, e^-8 on either side, divided by their sum.
        let total = 1.0 + 2.0 * ((-2.0f32).exp() + (-8.0f32).exp());
        assert!((spread[24][0] - 1.0 / (total * total)).abs() < 1e-6);
        assert!((spread[23][1] - (-2.0f32).exp() / (total * total)).abs() < 1e-6);
        assert!((spread[17][2] - (-2.0f32).exp() / (total * total)).abs() < 1e-6);
    }
}

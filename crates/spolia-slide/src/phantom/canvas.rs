//! What is drawn before it is seen: concentrations of the stains, and the light through them.

use image::RgbImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::draw::between;
use super::frame::Frame;
use super::noise::{LANES, Lanes, lanes};
use super::nucleus::Nucleus;
use super::stain::Stains;

/// Concentrations of the stains and numbers of the nuclei, pixel by pixel.
pub(super) struct Canvas {
    frame: Frame,
    pub(super) hematoxylin: Vec<f32>,
    eosin: Vec<f32>,
    /// The number of a pixel's nucleus from 1, or 0.
    pub(super) mask: Vec<u32>,
}

impl Canvas {
    pub(super) fn new(frame: Frame) -> Self {
        let pixels = frame.pixels();
        Canvas {
            frame,
            hematoxylin: vec![0.0; pixels],
            eosin: vec![0.0; pixels],
            mask: vec![0; pixels],
        }
    }

    /// Draws a nucleus of this number.
    pub(super) fn nucleus(&mut self, nucleus: &Nucleus, number: u32) {
        let frame = self.frame;
        let soft = frame.mpp.max(0.4);
        frame.around(nucleus, |pixel, level| {
            if level < 1.2 {
                let (x, y) = frame.place(pixel);
                self.hematoxylin[pixel] += nucleus.concentration(x, y, level, soft);
                if level < 1.0 {
                    self.mask[pixel] = number;
                }
            }
            true
        });
    }

    /// Adds what lies between nuclei: `ground` gives the concentrations of hematoxylin and eosin
    /// at places in µm. Inside a nucleus little of them is seen.
    pub(super) fn ground(&mut self, ground: impl Fn(&Lanes, &Lanes) -> (Lanes, Lanes)) {
        for row in 0..self.frame.size {
            let y = [self.frame.y(row); LANES];
            for start in (0..self.frame.size).step_by(LANES) {
                // The last places of a row may lie beyond the frame.
                let (h, e) = ground(&lanes(|k| self.frame.x(start + k)), &y);
                let first = row * self.frame.size + start;
                for k in 0..LANES.min(self.frame.size - start) {
                    let pixel = first + k;
                    let open = 1.0 - 0.55 * (self.hematoxylin[pixel] / 0.5).min(1.0);
                    self.hematoxylin[pixel] += h[k] * open;
                    self.eosin[pixel] = e[k] * open;
                }
            }
        }
    }

    /// Light through the tissue, blurred by the optics, with the sensor's noise, as 8 bit values;
    /// `margin` pixels on all sides are left out.
    pub(super) fn develop(&self, stains: &Stains, margin: usize, rng: &mut ChaCha8Rng) -> RgbImage {
        let size = self.frame.size;
        let light: Vec<[f32; 3]> = self
            .hematoxylin
            .iter()
            .zip(&self.eosin)
            .map(|(&h, &e)| stains.light_through(h, e))
            .collect();
        let light = blur(&light, size, optics(self.frame.mpp));
        // Photons: the noise grows with the root of the light.
        let grain = between(rng, 0.010, 0.018);
        let side = size - 2 * margin;
        let mut image = RgbImage::new(side as u32, side as u32);
        let rows = light.chunks_exact(size).skip(margin);
        for (row, out) in rows.zip(image.chunks_exact_mut(3 * side)) {
            for (lit, pixel) in row[margin..].iter().zip(out.as_chunks_mut::<3>().0) {
                for c in 0..3 {
                    let seen = lit[c] + grain * lit[c].max(0.0).sqrt() * triangular(rng);
                    pixel[c] = (255.0 * seen + 0.5) as u8;
                }
            }
        }
        image
    }
}

/// Spread of the optics' blur in pixels of this width in µm.
fn optics(mpp: f32) -> f32 {
    (0.3 / mpp).max(0.35)
}

/// How far the optics' blur reaches, in pixels of this width in µm.
pub(super) fn blur_radius(mpp: f32) -> usize {
    radius(optics(mpp))
}

fn radius(sigma: f32) -> usize {
    (2.5 * sigma).ceil() as usize
}

/// A number of mean 0 and variance 1 from two even ones: near enough to normal for a sensor.
fn triangular(rng: &mut ChaCha8Rng) -> f32 {
    2.449_49 * (rng.random::<f32>() + rng.random::<f32>() - 1.0)
}

/// Gaussian blur of `sigma` pixels, the border being repeated.
fn blur(light: &[[f32; 3]], size: usize, sigma: f32) -> Vec<[f32; 3]> {
    let radius = radius(sigma);
    let weight = |d: usize| (-0.5 * (d as f32 / sigma).powi(2)).exp();
    let total: f32 = weight(0) + 2.0 * (1..=radius).map(weight).sum::<f32>();
    let weights: Vec<f32> = (0..=radius).map(|d| weight(d) / total).collect();
    let mut across = vec![[0.0f32; 3]; light.len()];
    for (from, to) in light.chunks_exact(size).zip(across.chunks_exact_mut(size)) {
        for (x, out) in to.iter_mut().enumerate() {
            *out = from[x].map(|v| weights[0] * v);
            for (d, &w) in weights.iter().enumerate().skip(1) {
                add(
                    out,
                    w,
                    from[x.saturating_sub(d)],
                    from[(x + d).min(size - 1)],
                );
            }
        }
    }
    let mut down = vec![[0.0f32; 3]; light.len()];
    for (y, to) in down.chunks_exact_mut(size).enumerate() {
        let row = |y: usize| &across[y * size..(y + 1) * size];
        for (out, from) in to.iter_mut().zip(row(y)) {
            *out = from.map(|v| weights[0] * v);
        }
        for (d, &w) in weights.iter().enumerate().skip(1) {
            let (low, high) = (row(y.saturating_sub(d)), row((y + d).min(size - 1)));
            for ((out, &low), &high) in to.iter_mut().zip(low).zip(high) {
                add(out, w, low, high);
            }
        }
    }
    down
}

fn add(out: &mut [f32; 3], weight: f32, low: [f32; 3], high: [f32; 3]) {
    for c in 0..3 {
        out[c] += weight * (low[c] + high[c]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

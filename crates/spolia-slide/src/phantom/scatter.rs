//! Where nuclei lie: thrown at random, kept where the ground is free.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::draw::between;
use super::frame::Frame;
use super::nucleus::{Kind, Nucleus};
use super::tissue::Tissue;

/// Fewer pixels than this are no nucleus, only the tip of one that lies outside.
const LEAST_PIXELS: usize = 4;
/// Nuclei per µm² of the densest tissue.
const DENSEST: f32 = 0.0195;

/// What nuclei are thrown on. Places are in µm.
pub(super) trait Soil {
    /// Nuclei per µm² at a place.
    fn density(&self, x: f32, y: f32) -> f32;
    /// The kind of cell that lies at a place.
    fn cell(&self, x: f32, y: f32, rng: &mut ChaCha8Rng) -> Kind;
    /// Direction of the fibres at a place, in radians.
    fn fibre_direction(&self, x: f32, y: f32) -> f32;
}

impl Soil for Tissue {
    fn density(&self, x: f32, y: f32) -> f32 {
        Tissue::density(self, x, y)
    }

    fn cell(&self, x: f32, y: f32, rng: &mut ChaCha8Rng) -> Kind {
        Tissue::cell(self, x, y, rng)
    }

    fn fibre_direction(&self, x: f32, y: f32) -> f32 {
        Tissue::fibre_direction(self, x, y)
    }
}

/// Pixels of a frame that nuclei already cover.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    frame: Frame,
    taken: Vec<bool>,
}

impl Taken {
    pub(super) fn none(frame: Frame) -> Self {
        Taken {
            frame,
            taken: vec![false; frame.pixels()],
        }
    }

    /// Covers the ground of a nucleus.
    pub(super) fn take(&mut self, nucleus: &Nucleus) {
        let taken = &mut self.taken;
        self.frame.around(nucleus, |pixel, level| {
            taken[pixel] |= level < 1.08;
            true
        });
    }

    /// Covers the ground of a nucleus if it is free, with a margin, and enough of it lies inside.
    fn take_if_free(&mut self, nucleus: &Nucleus) -> bool {
        let (mut free, mut inside) = (true, 0);
        self.frame.around(nucleus, |pixel, level| {
            free = level >= 1.2 || !self.taken[pixel];
            inside += usize::from(level < 1.0);
            free
        });
        let kept = free && inside >= LEAST_PIXELS;
        if kept {
            self.take(nucleus);
        }
        kept
    }

    /// Throws nuclei into a rectangle and keeps those that fall on free ground, `most` at most.
    /// `scale` is the patient's nuclear size.
    pub(super) fn scatter(
        &mut self,
        soil: &impl Soil,
        (across, down): (Range<f32>, Range<f32>),
        scale: f32,
        most: usize,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Nucleus> {
        let area = (across.end - across.start) * (down.end - down.start);
        // As many throws as nuclei would be wanted at the highest density, and then as many again
        // because some fall on others.
        let throws = (2.0 * DENSEST * area).ceil() as usize;
        let mut nuclei = Vec::new();
        for _ in 0..throws {
            let x = between(rng, across.start, across.end);
            let y = between(rng, down.start, down.end);
            let chance: f32 = rng.random();
            if chance * DENSEST > soil.density(x, y) {
                continue;
            }
            if nuclei.len() >= most {
                break;
            }
            let kind = soil.cell(x, y, rng);
            let nucleus = Nucleus::of(kind, x, y, soil.fibre_direction(x, y), scale, rng);
            if self.take_if_free(&nucleus) {
                nuclei.push(nucleus);
            }
        }
        nuclei
    }
}

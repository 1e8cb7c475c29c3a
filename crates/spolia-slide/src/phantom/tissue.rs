//! The tissue between nuclei: fibres, cytoplasm, clefts.

use rand::{Rng, RngExt};

use super::draw::between;
use super::noise::{Noise, mix, step};
use super::nucleus::Kind;

/// The look of a patch without its nuclei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    /// Dense connective tissue.
    Fibrous,
    /// Loose connective tissue with clefts.
    Loose,
    /// A sheet of lymphocytes.
    Lymphoid,
    /// Nests of tumour cells among strands of stroma.
    Nests,
}

/// Fields of noise from which the tissue of a patch is made. Places are in µm.
#[derive(Debug, Clone)]
pub(super) struct Tissue {
    pub(super) architecture: Architecture,
    /// Mean direction of the fibres in radians.
    direction: f32,
    /// How much of the patch nests cover, from below 0 (little) to above 0 (most).
    nests: f32,
    warp: Noise,
    fibre: Noise,
    grain: Noise,
    region: Noise,
    cleft: Noise,
    /// Eosin of the stroma.
    eosin: f32,
    /// Width of a fibre.
    fibre_width: f32,
}

impl Tissue {
    pub(super) fn of(tumour: bool, rng: &mut impl Rng) -> Self {
        let kind: f32 = rng.random();
        let architecture = match (tumour, kind) {
            (true, _) => Architecture::Nests,
            (false, k) if k < 0.35 => Architecture::Fibrous,
            (false, k) if k < 0.47 => Architecture::Loose,
            (false, _) => Architecture::Lymphoid,
        };
        Self::with(architecture, rng)
    }

    /// Tissue of an architecture.
    pub(super) fn with(architecture: Architecture, rng: &mut impl Rng) -> Self {
        let mut noise = || Noise::new(rng.random());
        let (warp, fibre, grain, region, cleft) = (noise(), noise(), noise(), noise(), noise());
        Tissue {
            architecture,
            direction: between(rng, 0.0, std::f32::consts::PI),
            nests: between(rng, 0.0, 0.6),
            warp,
            fibre,
            grain,
            region,
            cleft,
            eosin: between(rng, 0.30, 0.45),
            fibre_width: between(rng, 2.2, 3.6),
        }
    }

    /// Share of tumour nest at a place, 0 to 1.
    pub(super) fn nest(&self, x: f32, y: f32) -> f32 {
        if self.architecture != Architecture::Nests {
            return 0.0;
        }
        step(
            -0.06,
            0.06,
            self.region.layers(x / 34.0, y / 34.0, 2) + self.nests - 0.06,
        )
    }

    /// Direction of the fibres at a place, in radians.
    pub(super) fn fibre_direction(&self, x: f32, y: f32) -> f32 {
        self.direction + 0.5 * self.warp.at(x / 30.0, y / 30.0)
    }

    /// Nuclei per µm² at a place.
    pub(super) fn density(&self, x: f32, y: f32) -> f32 {
        match self.architecture {
            Architecture::Fibrous => 0.0034,
            Architecture::Loose => 0.0026,
            Architecture::Lymphoid => 0.0155 + 0.004 * self.region.at(x / 22.0, y / 22.0),
            Architecture::Nests => mix(0.0036, 0.0100, self.nest(x, y)),
        }
    }

    /// The kind of cell that lies at a place.
    pub(super) fn cell(&self, x: f32, y: f32, rng: &mut impl Rng) -> Kind {
        let draw: f32 = rng.random();
        match self.architecture {
            Architecture::Nests if self.nest(x, y) > 0.5 => {
                if draw < 0.95 {
                    Kind::Tumour
                } else {
                    Kind::Lymphocyte
                }
            }
            Architecture::Lymphoid => {
                if draw < 0.84 {
                    Kind::Lymphocyte
                } else {
                    Kind::Oval
                }
            }
            _ if draw < 0.62 => Kind::Fibroblast,
            _ if draw < 0.80 => Kind::Oval,
            _ => Kind::Lymphocyte,
        }
    }

    /// A place a little beside the given one, so that borders between cells are not straight.
    pub(super) fn shaken(&self, x: f32, y: f32) -> (f32, f32) {
        let shake = |offset: f32| 1.5 * self.cleft.at(x / 4.5 + offset, y / 4.5);
        (x + shake(0.0), y + shake(41.0))
    }

    /// Concentrations of hematoxylin and eosin at a place. `border` is how near the place lies to
    /// the border between two cells, 0 to 1.
    pub(super) fn concentrations(&self, x: f32, y: f32, border: f32) -> (f32, f32) {
        let grain = self.grain.layers(x / 1.6, y / 1.6, 2);
        let slow = self.grain.at(x / 26.0 + 50.0, y / 26.0);
        let nest = match self.architecture {
            Architecture::Lymphoid => 0.75,
            _ => self.nest(x, y),
        };
        let (mut h, mut e) = (0.0, 0.0);
        if nest < 1.0 {
            let (fibre_h, fibre_e) = self.stroma(x, y, grain, slow);
            h += (1.0 - nest) * fibre_h;
            e += (1.0 - nest) * fibre_e;
        }
        if nest > 0.0 {
            let patchy = step(-0.25, 0.45, self.region.at(x / 9.0 + 5.0, y / 9.0));
            let pale = 1.0 - 0.26 * border * patchy;
            let cloud = self.warp.layers(x / 5.0 + 9.0, y / 5.0, 2);
            h += nest * pale * (0.13 + 0.07 * cloud + 0.05 * grain);
            e += nest * pale * self.eosin * (0.62 + 0.22 * cloud + 0.16 * grain + 0.12 * slow);
        }
        (h.max(0.0), e.max(0.0))
    }

    fn stroma(&self, x: f32, y: f32, grain: f32, slow: f32) -> (f32, f32) {
        // Fibres are stretched noise; bending the plane first makes them wave.
        let bend = 7.0;
        let wx = x + bend * self.warp.at(x / 30.0, y / 30.0);
        let wy = y + bend * self.warp.at(x / 30.0 + 31.0, y / 30.0 + 17.0);
        let (sin, cos) = self.direction.sin_cos();
        let along = cos * wx + sin * wy;
        let across = cos * wy - sin * wx;
        let width = self.fibre_width;
        let bundle = self.fibre.at(along / (9.0 * width), across / width);
        let strand = self
            .fibre
            .at(along / (6.0 * width) + 77.0, 2.3 * across / width);
        let thread = self
            .fibre
            .at(along / (2.5 * width) + 13.0, 5.0 * across / width);
        let ridges =
            0.55 * (1.0 - 2.2 * bundle.abs()) + 0.3 * (1.0 - 2.2 * strand.abs()) + 0.15 * thread;
        let (open, loose) = match self.architecture {
            Architecture::Loose => (-0.12, 0.75),
            _ => (0.34, 1.0),
        };
        // Clefts run along the fibres, where a slow field opens and no bundle crosses.
        let gap = self.cleft.at(along / (7.0 * width), across / (1.5 * width)) - 0.35 * ridges;
        let cleft = step(open, open + 0.32, gap);
        let body = 0.72 + 0.42 * ridges + 0.14 * grain + 0.22 * slow;
        let e = loose * self.eosin * body * (1.0 - 0.93 * cleft);
        let h = (0.05 + 0.03 * ridges + 0.02 * grain) * (1.0 - 0.9 * cleft);
        (h, e)
    }
}

//! The tissue between nuclei: fibres, cytoplasm, clefts.

use rand::{Rng, RngExt};

use super::draw::between;
use super::noise::{LANES, Lanes, Noise, lanes, mix, step};
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
        self.nest_each(&[x; LANES], &[y; LANES])[0]
    }

    fn nest_each(&self, x: &Lanes, y: &Lanes) -> Lanes {
        if self.architecture != Architecture::Nests {
            return [0.0; LANES];
        }
        let region = self
            .region
            .layers_each(&scaled(x, 34.0), &scaled(y, 34.0), 2);
        region.map(|region| step(-0.06, 0.06, region + self.nests - 0.06))
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

    /// Places a little beside the given ones, so that borders between cells are not straight.
    pub(super) fn shaken(&self, x: &Lanes, y: &Lanes) -> (Lanes, Lanes) {
        let down = scaled(y, 4.5);
        let shake = |offset: f32| self.cleft.each(&x.map(|x| x / 4.5 + offset), &down);
        let (dx, dy) = (shake(0.0), shake(41.0));
        (lanes(|k| x[k] + 1.5 * dx[k]), lanes(|k| y[k] + 1.5 * dy[k]))
    }

    /// Concentrations of hematoxylin and eosin at places. `border` is how near they lie to the
    /// border between two cells, 0 to 1.
    pub(super) fn concentrations(&self, x: &Lanes, y: &Lanes, border: &Lanes) -> (Lanes, Lanes) {
        let grain = self.grain.layers_each(&scaled(x, 1.6), &scaled(y, 1.6), 2);
        let slow = self
            .grain
            .each(&x.map(|x| x / 26.0 + 50.0), &scaled(y, 26.0));
        let nest = match self.architecture {
            Architecture::Lymphoid => [0.75; LANES],
            _ => self.nest_each(x, y),
        };
        let (mut h, mut e) = ([0.0; LANES], [0.0; LANES]);
        if nest.iter().any(|&nest| nest < 1.0) {
            let (fibre_h, fibre_e) = self.stroma(x, y, &grain, &slow);
            for k in 0..LANES {
                h[k] += (1.0 - nest[k]) * fibre_h[k];
                e[k] += (1.0 - nest[k]) * fibre_e[k];
            }
        }
        if nest.iter().any(|&nest| nest > 0.0) {
            let region = self.region.each(&x.map(|x| x / 9.0 + 5.0), &scaled(y, 9.0));
            let cloud = self
                .warp
                .layers_each(&x.map(|x| x / 5.0 + 9.0), &scaled(y, 5.0), 2);
            for k in 0..LANES {
                let patchy = step(-0.25, 0.45, region[k]);
                let pale = nest[k] * (1.0 - 0.26 * border[k] * patchy);
                h[k] += pale * (0.13 + 0.07 * cloud[k] + 0.05 * grain[k]);
                let fine = 0.62 + 0.22 * cloud[k] + 0.16 * grain[k] + 0.12 * slow[k];
                e[k] += pale * self.eosin * fine;
            }
        }
        (h.map(|h| h.max(0.0)), e.map(|e| e.max(0.0)))
    }

    fn stroma(&self, x: &Lanes, y: &Lanes, grain: &Lanes, slow: &Lanes) -> (Lanes, Lanes) {
        // Fibres are stretched noise; bending the plane first makes them wave.
        let bend = 7.0;
        let bend_x = self.warp.each(&scaled(x, 30.0), &scaled(y, 30.0));
        let bend_y = self
            .warp
            .each(&x.map(|x| x / 30.0 + 31.0), &y.map(|y| y / 30.0 + 17.0));
        let (sin, cos) = self.direction.sin_cos();
        let (mut along, mut across) = ([0.0; LANES], [0.0; LANES]);
        for k in 0..LANES {
            let (wx, wy) = (x[k] + bend * bend_x[k], y[k] + bend * bend_y[k]);
            along[k] = cos * wx + sin * wy;
            across[k] = cos * wy - sin * wx;
        }
        let width = self.fibre_width;
        let fibre = |length: f32, offset: f32, thin: f32| {
            self.fibre.each(
                &along.map(|along| along / (length * width) + offset),
                &across.map(|across| thin * across / width),
            )
        };
        let bundle = fibre(9.0, 0.0, 1.0);
        let strand = fibre(6.0, 77.0, 2.3);
        let thread = fibre(2.5, 13.0, 5.0);
        let gaps = self.cleft.each(
            &along.map(|along| along / (7.0 * width)),
            &across.map(|across| across / (1.5 * width)),
        );
        let (open, loose) = match self.architecture {
            Architecture::Loose => (-0.12, 0.75),
            _ => (0.34, 1.0),
        };
        let (mut h, mut e) = ([0.0; LANES], [0.0; LANES]);
        for k in 0..LANES {
            let ridges = 0.55 * (1.0 - 2.2 * bundle[k].abs())
                + 0.3 * (1.0 - 2.2 * strand[k].abs())
                + 0.15 * thread[k];
            // Clefts run along the fibres, where a slow field opens and no bundle crosses.
            let cleft = step(open, open + 0.32, gaps[k] - 0.35 * ridges);
            let body = 0.72 + 0.42 * ridges + 0.14 * grain[k] + 0.22 * slow[k];
            e[k] = loose * self.eosin * body * (1.0 - 0.93 * cleft);
            h[k] = (0.05 + 0.03 * ridges + 0.02 * grain[k]) * (1.0 - 0.9 * cleft);
        }
        (h, e)
    }
}

/// Places in units of `unit`.
fn scaled(v: &Lanes, unit: f32) -> Lanes {
    v.map(|v| v / unit)
}

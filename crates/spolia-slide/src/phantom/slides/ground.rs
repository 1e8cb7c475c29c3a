//! What the tissue of a slide is made of, place by place.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::draw::between;
use super::super::near::Near;
use super::super::noise::{LANES, Lanes, Noise, lanes, mix, step};
use super::super::nucleus::Kind;
use super::super::outline::Outline;
use super::super::scatter::Soil;
use super::super::tissue::{Architecture, Tissue};

/// Step of the grid on which slow fields are known, in µm; between its points they are
/// interpolated.
const GRID: f32 = 4.0;
/// Width of the border between tumour and the tissue around it, in µm.
const BLEND: f32 = 10.0;
/// A tissue of a smaller share of a place is not seen.
const LEAST_SHARE: f32 = 0.01;
/// Points of an annotated polygon.
const POINTS: usize = 120;
/// Places tried for a tumour that does not fit.
const TRIES: usize = 60;

/// The tissue of a slide. Places are in µm from the slide's top left corner.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    piece: Outline<9>,
    pub(super) tumours: Vec<Outline<8>>,
    fibrous: Tissue,
    loose: Tissue,
    lymphoid: Tissue,
    nests: Tissue,
    edge: Noise,
    septa: Noise,
}

/// Fields that change slowly, at one place.
#[derive(Debug, Clone, Copy)]
struct Slow {
    /// How far inside the piece of tissue, in µm.
    inward: f32,
    /// How far inside a tumour, in µm.
    tumour: f32,
    /// Share of lymphoid tissue in what is not tumour.
    lymphoid: f32,
    /// Share of loose tissue in what is neither.
    loose: f32,
}

impl Slow {
    fn mix(a: Slow, b: Slow, t: f32) -> Slow {
        Slow {
            inward: mix(a.inward, b.inward, t),
            tumour: mix(a.tumour, b.tumour, t),
            lymphoid: mix(a.lymphoid, b.lymphoid, t),
            loose: mix(a.loose, b.loose, t),
        }
    }

    /// Share of tumour.
    fn nests(&self) -> f32 {
        step(-0.5 * BLEND, 0.5 * BLEND, self.tumour)
    }
}

impl Ground {
    /// Tissue of a slide of `width * height` µm.
    pub(super) fn draw(tumour: bool, width: f32, height: f32, rng: &mut ChaCha8Rng) -> Self {
        let centre = (
            width * between(rng, 0.46, 0.54),
            height * between(rng, 0.46, 0.54),
        );
        let (a, b) = (
            0.34 * width * between(rng, 0.92, 1.06),
            0.35 * height * between(rng, 0.92, 1.06),
        );
        let piece = Outline::draw(centre, (a, b), between(rng, -0.12, 0.12), 0.055, rng);
        let tumours = if tumour {
            tumours(&piece, rng)
        } else {
            Vec::new()
        };
        let mut of = |architecture| Tissue::with(architecture, rng);
        let (fibrous, loose) = (of(Architecture::Fibrous), of(Architecture::Loose));
        let (lymphoid, nests) = (of(Architecture::Lymphoid), of(Architecture::Nests));
        Ground {
            piece,
            tumours,
            fibrous,
            loose,
            lymphoid,
            nests,
            edge: Noise::new(rng.random()),
            septa: Noise::new(rng.random()),
        }
    }

    /// Outlines of the tumours as polygons, in µm.
    pub(super) fn polygons(&self) -> impl Iterator<Item = Vec<(f32, f32)>> + '_ {
        self.tumours.iter().map(|t| t.polygon(POINTS).collect())
    }

    /// The tumour in which a place lies.
    pub(super) fn tumour_at(&self, x: f32, y: f32) -> Option<usize> {
        self.tumours.iter().position(|t| t.level(x, y) < 1.0)
    }

    /// Whether there is any tissue in a rectangle, in µm; it may say so where there is none.
    pub(super) fn any(&self, from: (f32, f32), to: (f32, f32)) -> bool {
        // The ragged edge reaches out by less than this.
        const RAGGED: f32 = 60.0;
        let steps = 8;
        let at = |from: f32, to: f32, k: i32| mix(from, to, k as f32 / steps as f32);
        (0..=steps).any(|j| {
            (0..=steps).any(|i| {
                let (x, y) = (at(from.0, to.0, i), at(from.1, to.1, j));
                self.piece.inward(x, y) > -RAGGED
            })
        })
    }

    fn slow(&self, x: f32, y: f32) -> Slow {
        let ragged = self.edge.layers(x / 70.0, y / 70.0, 3);
        let inward = self.piece.inward(x, y) + 30.0 * ragged;
        let tumour = self
            .tumours
            .iter()
            .map(|t| t.inward(x, y))
            .fold(f32::NEG_INFINITY, f32::max)
            .max(-1e3);
        let septum = self.septa.layers(x / 230.0, y / 230.0, 2);
        let capsule = step(14.0, 40.0, inward);
        let lymphoid = step(-0.16, -0.06, septum) * capsule;
        let sinus = self.septa.layers(x / 170.0 + 91.0, y / 170.0 + 37.0, 2);
        Slow {
            inward,
            tumour: tumour + 0.7 * BLEND * ragged,
            lymphoid,
            loose: step(-0.02, 0.1, sinus) * step(20.0, 45.0, inward),
        }
    }

    /// Cover of tissue at places, 0 (glass) to 1; the finest of its ragged edge is here.
    fn cover(&self, x: &Lanes, y: &Lanes, slow: &[Slow; LANES]) -> Lanes {
        if slow.iter().all(|slow| slow.inward > 9.0) {
            return [1.0; LANES];
        }
        if slow.iter().all(|slow| slow.inward < -9.0) {
            return [0.0; LANES];
        }
        let fine = self
            .edge
            .layers_each(&x.map(|x| x / 6.0 + 13.0), &y.map(|y| y / 6.0), 2);
        lanes(|k| step(-1.5, 1.5, slow[k].inward + 5.0 * fine[k]))
    }

    /// The tissue that prevails at a place.
    fn main(&self, slow: &Slow) -> &Tissue {
        if slow.nests() > 0.5 {
            &self.nests
        } else if slow.lymphoid > 0.5 {
            &self.lymphoid
        } else if slow.loose > 0.5 {
            &self.loose
        } else {
            &self.fibrous
        }
    }

    /// Slow fields over a rectangle, in µm.
    pub(super) fn chart(&self, from: (f32, f32), to: (f32, f32)) -> Chart<'_> {
        let cell = |v: f32| (v / GRID).floor() as i32;
        let (left, top) = (cell(from.0), cell(from.1));
        let across = (cell(to.0) - left + 2).max(2);
        let down = (cell(to.1) - top + 2).max(2);
        let points = (top..top + down).flat_map(|j| {
            (left..left + across).map(move |i| self.slow(i as f32 * GRID, j as f32 * GRID))
        });
        Chart {
            ground: self,
            left,
            top,
            across: across as usize,
            points: points.collect(),
        }
    }
}

/// One to three tumours inside a piece of tissue, apart from each other.
fn tumours(piece: &Outline<9>, rng: &mut ChaCha8Rng) -> Vec<Outline<8>> {
    let wanted = rng.random_range(1..=3);
    let mut found: Vec<Outline<8>> = Vec::new();
    for attempt in 0..TRIES {
        if found.len() == wanted {
            break;
        }
        // The first always fits at last: it shrinks, and moves to the middle.
        let shrunk = 1.0 - 0.6 * attempt as f32 / TRIES as f32;
        let first = if found.is_empty() { 1.25 } else { 0.8 };
        let radius = piece.b * first * shrunk * between(rng, 0.28, 0.42);
        let aspect = between(rng, 1.0, 1.5f32).sqrt();
        let (away, turn) = (shrunk * between(rng, 0.0, 0.6), between(rng, 0.0, TAU));
        let (u, v) = (away * turn.cos() * piece.a, away * turn.sin() * piece.b);
        let centre = (
            piece.x + piece.cos * u - piece.sin * v,
            piece.y + piece.sin * u + piece.cos * v,
        );
        let angle = between(rng, 0.0, TAU);
        let axes = (radius * aspect, radius / aspect);
        let outline = Outline::draw(centre, axes, angle, 0.085, rng);
        let fits = outline.polygon(POINTS).all(|(x, y)| {
            piece.level(x, y) < 0.9 && found.iter().all(|other| other.level(x, y) > 1.25)
        });
        if fits
            && found
                .iter()
                .all(|other| outline.level(other.x, other.y) > 1.25)
        {
            found.push(outline);
        }
    }
    found
}

impl Soil for Ground {
    fn density(&self, x: f32, y: f32) -> f32 {
        let slow = self.slow(x, y);
        if slow.inward < 7.0 {
            return 0.0;
        }
        self.main(&slow).density(x, y)
    }

    fn cell(&self, x: f32, y: f32, rng: &mut ChaCha8Rng) -> Kind {
        self.main(&self.slow(x, y)).cell(x, y, rng)
    }

    fn fibre_direction(&self, x: f32, y: f32) -> f32 {
        self.main(&self.slow(x, y)).fibre_direction(x, y)
    }
}

/// The slow fields of a part of a slide, known on a grid that is aligned to the slide.
pub(super) struct Chart<'a> {
    ground: &'a Ground,
    left: i32,
    top: i32,
    across: usize,
    points: Vec<Slow>,
}

impl Chart<'_> {
    fn slow(&self, x: f32, y: f32) -> Slow {
        let (gx, gy) = (x / GRID, y / GRID);
        let (i, j) = (gx.floor(), gy.floor());
        // The last lanes of a row may lie beyond the chart, where nothing is seen.
        let column = ((i as i32 - self.left) as usize).min(self.across - 2);
        let at = (j as i32 - self.top) as usize * self.across + column;
        let (u, v) = (gx - i, gy - j);
        let above = Slow::mix(self.points[at], self.points[at + 1], u);
        let below = Slow::mix(
            self.points[at + self.across],
            self.points[at + self.across + 1],
            u,
        );
        Slow::mix(above, below, v)
    }

    /// Concentrations of hematoxylin and eosin between nuclei.
    pub(super) fn concentrations(&self, x: &Lanes, y: &Lanes, near: &Near) -> (Lanes, Lanes) {
        let slow: [Slow; LANES] = std::array::from_fn(|k| self.slow(x[k], y[k]));
        let ground = self.ground;
        let cover = ground.cover(x, y, &slow);
        let (mut h, mut e) = ([0.0; LANES], [0.0; LANES]);
        if cover == h {
            return (h, e);
        }
        let nests = slow.map(|slow| slow.nests());
        let lymphoid = lanes(|k| (1.0 - nests[k]) * slow[k].lymphoid);
        let stroma = lanes(|k| 1.0 - nests[k] - lymphoid[k]);
        let loose = lanes(|k| stroma[k] * slow[k].loose);
        let fibrous = lanes(|k| stroma[k] - loose[k]);
        let some = |share: &Lanes| share.iter().any(|&share| share > LEAST_SHARE);
        let mut border = [0.0; LANES];
        if some(&nests) || some(&lymphoid) {
            let (x, y) = ground.lymphoid.shaken(x, y);
            border = lanes(|k| near.border(x[k], y[k]));
        }
        for (share, tissue) in [
            (nests, &ground.nests),
            (lymphoid, &ground.lymphoid),
            (loose, &ground.loose),
            (fibrous, &ground.fibrous),
        ] {
            if some(&share) {
                let (own_h, own_e) = tissue.concentrations(x, y, &border);
                // Place by place, so that it does not matter which are worked out together.
                for k in (0..LANES).filter(|&k| share[k] > LEAST_SHARE) {
                    h[k] += cover[k] * share[k] * own_h[k];
                    e[k] += cover[k] * share[k] * own_e[k];
                }
            }
        }
        (h, e)
    }
}

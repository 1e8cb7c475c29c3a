//! An explicit list of random transformations between the image and the network, such as Lucid's and MACO's.
//!
//! The movements of a list are composed into one affine map, and the image is resampled once, with a filter that
//! grows with the reduction, so that no frequency is seen that the network's grid cannot hold ([`Resampler`]). The
//! image is stretched to the network's input unless a crop says which part of it is.

mod read;
mod resample;

use std::fmt;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

pub use resample::{Outside, Resampler};

use super::transform::Affine;
use crate::Error;

/// Spread of the centres of random boxes about the canvas's, as a share of its side (xplique).
const BOX_CENTRE: f64 = 0.15;
/// Spread of their sides, and the least side (xplique).
const BOX_SPREAD: f64 = 0.05;

/// One transformation. The *canvas* is what the transformations before it left: at first the image.
#[derive(Clone, Debug, PartialEq)]
pub enum Transformation {
    /// Mid-gray, so many pixels on each side. Without it, the image's border is continued outwards.
    Pad(usize),
    /// A random crop so many pixels smaller: moves by a whole number of pixels, from -d/2 to d/2.
    Jitter(usize),
    /// Magnified by one of these factors.
    Scale(Vec<f64>),
    /// Turned by one of these angles, degrees.
    Rotate(Vec<f64>),
    /// So many pixels a side about the canvas's centre fill the network's input.
    Crop(usize),
    /// A random box fills the network's input: its centre is normal about the canvas's (deviation .15 of the side), its
    /// side normal about a share of the canvas's that goes from `first` to `last` over the steps (deviation .05, at
    /// least .05, at most 1).
    Box {
        /// Mean share at the first step.
        first: f64,
        /// Mean share at the last.
        last: f64,
    },
    /// Adds to what the network sees, in its range of -1 to 1, normal noise of this deviation and uniform noise of this
    /// width; several noises add up as the root of the sum of their squares.
    Noise(f64),
}

/// Transformations in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Sequence(Vec<Transformation>);

/// What one step draws: where the network's pixels lie in the image, and the state of the generator that draws the
/// noise.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The map from the network's pixels to the image's.
    pub affine: Affine,
    noise: f64,
    rng: ChaCha8Rng,
}

/// Which step of how many; random boxes follow a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// From 0.
    pub step: usize,
    /// In all.
    pub steps: usize,
    /// Which of a step's views.
    pub view: usize,
}

impl Sequence {
    /// A list.
    ///
    /// # Errors
    /// [`Error::Setting`] for a factor, share or crop that is not above 0, an angle or noise that is not finite, or an
    /// empty choice.
    pub fn new(list: Vec<Transformation>) -> Result<Self, Error> {
        use Transformation::{Box, Crop, Jitter, Noise, Pad, Rotate, Scale};
        let fault = |what, value: String, allowed| {
            Err(Error::Setting {
                what,
                value,
                allowed,
            })
        };
        for one in &list {
            let share = |v: &f64| *v > 0.0 && *v <= 1.0;
            match one {
                Pad(_) | Jitter(_) => {}
                Scale(factors) => {
                    if factors.is_empty() || !factors.iter().all(|f| f.is_finite() && *f > 0.0) {
                        let value = format!("{factors:?}");
                        return fault("a choice of scales", value, "factors above 0");
                    }
                }
                Rotate(angles) => {
                    if angles.is_empty() || !angles.iter().all(|a| a.is_finite()) {
                        return fault("a choice of rotations", format!("{angles:?}"), "degrees");
                    }
                }
                Crop(side) => {
                    if *side == 0 {
                        return fault("a crop", "0 pixels".into(), "at least one pixel");
                    }
                }
                Box { first, last } => {
                    if !share(first) || !share(last) {
                        let value = format!("{first} to {last}");
                        return fault(
                            "the side of random boxes",
                            value,
                            "shares above 0, at most 1",
                        );
                    }
                }
                Noise(deviation) => {
                    if !(deviation.is_finite() && *deviation >= 0.0) {
                        return fault("the noise", deviation.to_string(), "a number from 0");
                    }
                }
            }
        }
        Ok(Self(list))
    }

    /// Lucid's standard list: pad 12, jitter 8, scale by one of .90, .92 … 1.10, rotation by one of -10° … 10° or (5 in
    /// 26) 0°, jitter 4.
    #[must_use]
    pub fn lucid() -> Self {
        use Transformation::{Jitter, Pad, Rotate, Scale};
        let angles = (-10..=10).map(f64::from).chain([0.0; 5]).collect();
        Self(vec![
            Pad(12),
            Jitter(8),
            Scale((-5..=5).map(|n| 1.0 + f64::from(n) / 50.0).collect()),
            Rotate(angles),
            Jitter(4),
        ])
    }

    /// MACO's: boxes of 50 % falling to 5 % of the image, noise .08 (xplique).
    #[must_use]
    pub fn maco() -> Self {
        Self(vec![
            Transformation::Box {
                first: 0.5,
                last: 0.05,
            },
            Transformation::Noise(0.08),
        ])
    }

    /// The list.
    #[must_use]
    pub fn list(&self) -> &[Transformation] {
        &self.0
    }

    /// What lies outside of the image.
    #[must_use]
    pub fn outside(&self) -> Outside {
        let padded = |t: &Transformation| matches!(t, Transformation::Pad(n) if *n > 0);
        if self.0.iter().any(padded) {
            Outside::Gray
        } else {
            Outside::Continued
        }
    }

    /// What one view of one step of item `item` draws, for an image and a network's input of these widths and heights.
    /// A pure function of its arguments: it depends neither on the order of calls nor on what else is drawn.
    #[must_use]
    pub fn draw(
        &self,
        seed: u64,
        item: u64,
        moment: Moment,
        image: [usize; 2],
        input: [usize; 2],
    ) -> Drawn {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(item);
        // Behind the numbers that the first image and the presets take; 2^24 words a view hold the noise.
        let place = ((moment.step as u128) << 16) + moment.view as u128;
        rng.set_word_pos((1 << 60) + (place << 24));
        let mut canvas = Canvas::new(image);
        let mut noise = 0.0;
        for one in &self.0 {
            match one {
                Transformation::Pad(pixels) => canvas.grow(2.0 * *pixels as f64),
                Transformation::Jitter(d) => {
                    let mut offset = || rng.random_range(0..=*d) as f64 - *d as f64 / 2.0;
                    canvas.shift([offset(), offset()]);
                    canvas.grow(-(*d as f64));
                }
                Transformation::Scale(factors) => canvas.scale(pick(factors, &mut rng)),
                Transformation::Rotate(angles) => canvas.rotate(pick(angles, &mut rng)),
                Transformation::Crop(side) => canvas.crop([*side as f64; 2]),
                Transformation::Box { first, last } => {
                    let way = moment.step as f64 / moment.steps.saturating_sub(1).max(1) as f64;
                    let mut normal = |mean: f64, deviation: f64| {
                        mean + deviation * Distribution::<f64>::sample(&StandardNormal, &mut rng)
                    };
                    let centre = [normal(0.0, BOX_CENTRE), normal(0.0, BOX_CENTRE)];
                    let share =
                        normal(first + way * (last - first), BOX_SPREAD).clamp(BOX_SPREAD, 1.0);
                    let [w, h] = canvas.size;
                    canvas.shift([centre[0] * w, centre[1] * h]);
                    canvas.crop([share * w, share * h]);
                }
                Transformation::Noise(deviation) => noise = f64::hypot(noise, *deviation),
            }
        }
        Drawn {
            affine: canvas.fill(input),
            noise,
            rng,
        }
    }
}

/// As it is read: `pad(12) jitter(8) …`.
impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, one) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            match one {
                Transformation::Pad(n) => write!(f, "pad({n})"),
                Transformation::Jitter(d) => write!(f, "jitter({d})"),
                Transformation::Scale(factors) => write!(f, "scale({})", choice(factors)),
                Transformation::Rotate(angles) => write!(f, "rotate({})", choice(angles)),
                Transformation::Crop(side) => write!(f, "crop({side})"),
                Transformation::Box { first, last } => write!(f, "box({first},{last})"),
                Transformation::Noise(deviation) => write!(f, "noise({deviation})"),
            }?;
        }
        Ok(())
    }
}

fn choice(values: &[f64]) -> String {
    values
        .iter()
        .map(f64::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

impl Drawn {
    /// Adds the noise to what the network sees.
    pub fn add_noise(&mut self, pixels: &mut [f32]) {
        if self.noise == 0.0 {
            return;
        }
        let deviation = self.noise as f32;
        for v in pixels {
            let normal: f32 = StandardNormal.sample(&mut self.rng);
            *v += deviation * (normal + self.rng.random::<f32>() - 0.5);
        }
    }
}

fn pick(values: &[f64], rng: &mut ChaCha8Rng) -> f64 {
    values[rng.random_range(0..values.len())]
}

/// A canvas's size and place: its pixel at offset q from its centre shows the image at `centre` + `matrix` q.
struct Canvas {
    size: [f64; 2],
    /// The part of it that fills the network's input, canvas pixels.
    field: [f64; 2],
    centre: [f64; 2],
    matrix: [[f64; 2]; 2],
}

impl Canvas {
    fn new(image: [usize; 2]) -> Self {
        let size = image.map(|n| n as f64);
        Self {
            size,
            field: size,
            centre: size.map(|n| (n - 1.0) / 2.0),
            matrix: [[1.0, 0.0], [0.0, 1.0]],
        }
    }

    fn grow(&mut self, by: f64) {
        self.size = self.size.map(|n| n + by);
    }

    fn shift(&mut self, by: [f64; 2]) {
        for (centre, row) in self.centre.iter_mut().zip(&self.matrix) {
            *centre += row[0] * by[0] + row[1] * by[1];
        }
    }

    fn scale(&mut self, by: f64) {
        self.size = self.size.map(|n| n * by);
        self.matrix = self.matrix.map(|row| row.map(|v| v / by));
    }

    fn rotate(&mut self, degrees: f64) {
        let (sin, cos) = degrees.to_radians().sin_cos();
        self.matrix = self
            .matrix
            .map(|[a, b]| [a * cos + b * sin, b * cos - a * sin]);
    }

    fn crop(&mut self, field: [f64; 2]) {
        (self.size, self.field) = (field, field);
    }

    /// The field stretched to the network's input.
    fn fill(&self, input: [usize; 2]) -> Affine {
        let stretch = [0, 1].map(|i| self.field[i] / input[i].max(1) as f64);
        let middle = input.map(|n| (n as f64 - 1.0) / 2.0);
        let row = |k: usize| {
            let [a, b] = [
                self.matrix[k][0] * stretch[0],
                self.matrix[k][1] * stretch[1],
            ];
            [a, b, self.centre[k] - a * middle[0] - b * middle[1]]
        };
        Affine {
            x: row(0),
            y: row(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::transform::Motion;

    const FIRST: Moment = Moment {
        step: 0,
        steps: 10,
        view: 0,
    };

    fn affine(list: Vec<Transformation>, image: [usize; 2], input: [usize; 2]) -> [f64; 6] {
        let drawn = Sequence::new(list).unwrap().draw(1, 2, FIRST, image, input);
        let ([a, b, c], [d, e, f]) = (drawn.affine.x, drawn.affine.y);
        [a, b, c, d, e, f].map(|v| (v * 1e9).round() / 1e9)
    }

    #[test]
    fn stretched_to_the_network() {
        assert_eq!(
            affine(vec![], [5, 4], [5, 4]),
            [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        );
        // Half the size: pixel 0 lies between pixels 0 and 1.
        assert_eq!(
            affine(vec![], [8, 6], [4, 3]),
            [2.0, 0.0, 0.5, 0.0, 2.0, 0.5]
        );
        // The four pixels about the centre of 8 are 2 to 5.
        let crop = vec![Transformation::Crop(4)];
        assert_eq!(affine(crop, [8, 8], [4, 4]), [1.0, 0.0, 2.0, 0.0, 1.0, 2.0]);
    }

    /// The same movements as the presets' when the same are drawn.
    #[test]
    fn movements_compose_as_the_presets() {
        let list = vec![
            Transformation::Scale(vec![1.25]),
            Transformation::Rotate(vec![30.0]),
        ];
        let motion = Motion {
            scale: 1.25,
            degrees: 30.0,
            ..Motion::NONE
        };
        let (got, expected) = (affine(list, [9, 9], [9, 9]), motion.affine(9));
        for (got, expected) in got.iter().zip(expected.x.iter().chain(&expected.y)) {
            assert!((got - expected).abs() < 1e-8, "{got} instead of {expected}");
        }
    }

    #[test]
    fn draws_cover_what_is_documented() {
        let standard = Sequence::lucid();
        let drawn: Vec<_> = (0..2000)
            .map(|step| {
                let moment = Moment { step, ..FIRST };
                let affine = standard.draw(1, 2, moment, [128; 2], [128; 2]).affine;
                let [a, b, _] = affine.x;
                let at = |row: [f64; 3]| row[0] * 63.5 + row[1] * 63.5 + row[2] - 63.5;
                (1.0 / a.hypot(b), (-b).atan2(a).to_degrees(), at(affine.x))
            })
            .collect();
        let range = |f: &dyn Fn(&(f64, f64, f64)) -> f64| {
            let values = drawn.iter().map(f);
            values.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)))
        };
        let (low, high) = range(&|d| d.0);
        assert!((low - 0.9).abs() < 1e-9 && (high - 1.1).abs() < 1e-9);
        let (low, high) = range(&|d| d.1);
        assert!((low + 10.0).abs() < 1e-9 && (high - 10.0).abs() < 1e-9);
        let straight = drawn.iter().filter(|d| d.1.abs() < 1e-9).count() as f64 / 2000.0;
        assert!((straight - 6.0 / 26.0).abs() < 0.04, "{straight}");
        // Up to 4 pixels by the first jitter and, turned and magnified, 2 by the second.
        let (low, high) = range(&|d| d.2);
        assert!(
            low < -5.0 && high > 5.0 && low > -7.0 && high < 7.0,
            "{low} {high}"
        );
    }

    /// Boxes shrink from half the image to a twentieth, of an image larger than the network's input.
    #[test]
    fn boxes_follow_their_schedule() {
        let share = |step| {
            let sides: Vec<f64> = (0..200)
                .map(|view| {
                    let moment = Moment {
                        step,
                        steps: 256,
                        view,
                    };
                    let affine = Sequence::maco()
                        .draw(3, 1, moment, [512; 2], [128; 2])
                        .affine;
                    affine.x[0] * 128.0 / 512.0
                })
                .collect();
            sides.iter().sum::<f64>() / 200.0
        };
        assert!((share(0) - 0.5).abs() < 0.02, "{}", share(0));
        // Clipped below .05: the mean of a clipped normal lies .4 deviations above.
        assert!((share(255) - 0.07).abs() < 0.01, "{}", share(255));
    }

    #[test]
    fn draws_depend_on_seed_item_step_and_view_alone() {
        let draw = |seed, item, step, view| {
            let moment = Moment {
                step,
                steps: 9,
                view,
            };
            let mut drawn = Sequence::maco().draw(seed, item, moment, [64; 2], [32; 2]);
            let mut noise = vec![0.0; 3000];
            drawn.add_noise(&mut noise);
            (drawn.affine, noise)
        };
        let one = draw(7, 3, 5, 1);
        assert_eq!(one, draw(7, 3, 5, 1));
        for other in [
            draw(8, 3, 5, 1),
            draw(7, 4, 5, 1),
            draw(7, 3, 6, 1),
            draw(7, 3, 5, 2),
        ] {
            assert!(other.0 != one.0 && other.1 != one.1);
        }
        // Variance .08² (1 + 1/12).
        let square: f32 = one.1.iter().map(|v| v * v).sum::<f32>() / 3000.0;
        assert!((square.sqrt() - 0.0833).abs() < 0.004, "{square}");
    }

    #[test]
    fn refuses_what_cannot_be_drawn() {
        for one in [
            Transformation::Scale(vec![]),
            Transformation::Scale(vec![0.0]),
            Transformation::Rotate(vec![f64::NAN]),
            Transformation::Crop(0),
            Transformation::Box {
                first: 0.0,
                last: 1.0,
            },
            Transformation::Noise(-1.0),
        ] {
            assert!(Sequence::new(vec![one.clone()]).is_err(), "{one:?}");
        }
        assert_eq!(Sequence::lucid().outside(), Outside::Gray);
        assert_eq!(Sequence::maco().outside(), Outside::Continued);
    }
}

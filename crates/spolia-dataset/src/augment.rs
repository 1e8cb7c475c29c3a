//! Augmentation of training patches: the paper's, and stains made stronger or weaker.
//!
//! Graziani et al. (IMVIP 2019) flip, shift the hue and change the brightness, each with
//! probability 1/2. In their code the brightness of ±0.25 meets pixels of 0 to 255 after the mean
//! was subtracted, where it changes nothing; here it acts on pixels of 0 to 1, before they are
//! scaled for the network, as was meant.
//!
//! [`Augment::HED`] changes the stains instead of hue and brightness (Tellez et al., IEEE
//! Transactions on Medical Imaging 37(9), 2018), with the weaker of the ranges of Tellez et al.,
//! Medical Image Analysis 58, 2019.

use std::fmt;
use std::str::FromStr;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spolia_measure::stain::HedChange;

/// Probabilities and ranges of an augmentation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Augment {
    /// Probability to mirror left and right.
    pub flip_horizontal: f64,
    /// Probability to mirror top and bottom.
    pub flip_vertical: f64,
    /// Probability to shift the hue.
    pub hue: f64,
    /// The shift is uniform between minus and plus this, in turns of the colour circle.
    pub hue_shift: f32,
    /// Probability to change the brightness.
    pub brightness: f64,
    /// The change is uniform between minus and plus this, for pixels from 0 to 1.
    pub brightness_change: f32,
    /// Probability to change the amounts of haematoxylin, eosin and the residual.
    pub stain: f64,
    /// Each is multiplied by a number between 1 less and 1 plus this, and another between minus and
    /// plus this is added, in the units of [`HedChange`].
    pub stain_change: f32,
}

impl Augment {
    /// The paper's: flips, hue ±0.04 turns and brightness ±0.25, each with probability 1/2.
    pub const PAPER: Augment = Augment {
        flip_horizontal: 0.5,
        flip_vertical: 0.5,
        hue: 0.5,
        hue_shift: 0.04,
        brightness: 0.5,
        brightness_change: 0.25,
        stain: 0.0,
        stain_change: 0.0,
    };

    /// Flips with probability 1/2, and always a change of the stains by up to 0.05.
    pub const HED: Augment = Augment {
        flip_horizontal: 0.5,
        flip_vertical: 0.5,
        hue: 0.0,
        hue_shift: 0.0,
        brightness: 0.0,
        brightness_change: 0.0,
        stain: 1.0,
        stain_change: 0.05,
    };

    /// None.
    pub const NONE: Augment = Augment {
        flip_horizontal: 0.0,
        flip_vertical: 0.0,
        hue: 0.0,
        hue_shift: 0.0,
        brightness: 0.0,
        brightness_change: 0.0,
        stain: 0.0,
        stain_change: 0.0,
    };

    /// Both: of each probability and range the larger.
    fn and(&self, other: &Self) -> Self {
        Self {
            flip_horizontal: self.flip_horizontal.max(other.flip_horizontal),
            flip_vertical: self.flip_vertical.max(other.flip_vertical),
            hue: self.hue.max(other.hue),
            hue_shift: self.hue_shift.max(other.hue_shift),
            brightness: self.brightness.max(other.brightness),
            brightness_change: self.brightness_change.max(other.brightness_change),
            stain: self.stain.max(other.stain),
            stain_change: self.stain_change.max(other.stain_change),
        }
    }

    /// What this augmentation does to the patch of this seed.
    #[must_use]
    pub fn draw(&self, seed: u64) -> Change {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Every number is drawn, needed or not: a probability changed leaves the others' draws.
        let mut chance = |p: f64| rng.random::<f64>() < p;
        let flip_horizontal = chance(self.flip_horizontal);
        let flip_vertical = chance(self.flip_vertical);
        let hue = chance(self.hue);
        let brightness = chance(self.brightness);
        let mut spread = |most: f32| most * (2.0 * rng.random::<f32>() - 1.0);
        let hue_shift = spread(self.hue_shift);
        let brightness_change = spread(self.brightness_change);
        // Drawn last, so that the paper's draws are what they were without it.
        let scale = [0; 3].map(|_| 1.0 + spread(self.stain_change));
        let shift = [0; 3].map(|_| spread(self.stain_change));
        let stain = rng.random::<f64>() < self.stain;
        Change {
            flip_horizontal,
            flip_vertical,
            hue: if hue { hue_shift } else { 0.0 },
            brightness: if brightness { brightness_change } else { 0.0 },
            stain: stain.then_some(HedChange { scale, shift }),
        }
    }
}

/// What can be told of an augmentation in words, each with the augmentation that does it alone.
const WORDS: [(&str, Augment); 4] = [
    (
        "flips",
        Augment {
            flip_horizontal: 0.5,
            flip_vertical: 0.5,
            ..Augment::NONE
        },
    ),
    (
        "hue",
        Augment {
            hue: 0.5,
            hue_shift: 0.04,
            ..Augment::NONE
        },
    ),
    (
        "brightness",
        Augment {
            brightness: 0.5,
            brightness_change: 0.25,
            ..Augment::NONE
        },
    ),
    (
        "hed",
        Augment {
            stain: 1.0,
            stain_change: 0.05,
            ..Augment::NONE
        },
    ),
];

impl FromStr for Augment {
    type Err = String;

    /// `paper`, `none`, or some of `flips`, `hue`, `brightness` (as in the paper) and `hed` (stains, as [`Augment::HED`]), with commas.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "paper" => return Ok(Self::PAPER),
            "none" => return Ok(Self::NONE),
            _ => {}
        }
        let mut all = Self::NONE;
        for word in text.split(',').map(str::trim) {
            let Some((_, own)) = WORDS.iter().find(|(known, _)| *known == word) else {
                return Err(format!(
                    "\"{word}\" is no augmentation; known: paper, none, or some of flips, hue, brightness, hed with commas"
                ));
            };
            all = all.and(own);
        }
        Ok(all)
    }
}

impl fmt::Display for Augment {
    /// As [`Augment::from_str`] reads it, for the augmentations that it gives.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::PAPER {
            return f.write_str("paper");
        }
        let does = |own: &Augment| own.and(self) == *self;
        let words = WORDS.iter().filter(|(_, own)| does(own));
        let words: Vec<&str> = words.map(|(word, _)| *word).collect();
        match words.as_slice() {
            [] => f.write_str("none"),
            words => f.write_str(&words.join(",")),
        }
    }
}

/// A change of one patch, as drawn.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Change {
    /// Mirror left and right.
    pub flip_horizontal: bool,
    /// Mirror top and bottom.
    pub flip_vertical: bool,
    /// Shift of the hue in turns; 0 leaves it.
    pub hue: f32,
    /// What is added to every channel; 0 adds nothing.
    pub brightness: f32,
    /// Change of the stains; `None` leaves them.
    pub stain: Option<HedChange>,
}

impl Change {
    /// Changes an image in place: (height, width, RGB) with values from 0 to 1.
    ///
    /// The stains change first; hue turns in HSV at constant saturation and value; the brightness is
    /// added last, clipped to 0 to 1. A buffer that is not `width * height * 3` long is changed in its whole rows only.
    pub fn apply(&self, rgb: &mut [f32], width: usize, height: usize) {
        let row = width * 3;
        if row == 0 {
            return;
        }
        if self.flip_horizontal {
            rgb.chunks_exact_mut(row).take(height).for_each(mirror);
        }
        if self.flip_vertical {
            let rows = height.min(rgb.len() / row);
            let (top, rest) = rgb[..rows * row].split_at_mut(rows / 2 * row);
            let bottom = &mut rest[rows % 2 * row..];
            for (a, b) in top
                .chunks_exact_mut(row)
                .zip(bottom.chunks_exact_mut(row).rev())
            {
                a.swap_with_slice(b);
            }
        }
        if let Some(stain) = &self.stain {
            stain.apply(rgb);
        }
        if self.hue != 0.0 {
            rgb.chunks_exact_mut(3)
                .for_each(|pixel| shift_hue(pixel, self.hue));
        }
        if self.brightness != 0.0 {
            rgb.iter_mut()
                .for_each(|v| *v = (*v + self.brightness).clamp(0.0, 1.0));
        }
    }
}

/// Augments an image in place: (height, width, RGB) with values from 0 to 1, before any scaling
/// for a network. The same seed makes the same change. Returns what was done.
///
/// ```
/// use spolia_dataset::{Augment, augment};
/// let mut image = vec![0.5; 4 * 4 * 3];
/// let change = augment(&mut image, 4, 4, &Augment::PAPER, 7);
/// assert!(change.brightness.abs() <= 0.25);
/// ```
pub fn augment(
    rgb: &mut [f32],
    width: usize,
    height: usize,
    augment: &Augment,
    seed: u64,
) -> Change {
    let change = augment.draw(seed);
    change.apply(rgb, width, height);
    change
}

fn mirror(row: &mut [f32]) {
    let pixels = row.len() / 3;
    let (left, rest) = row.split_at_mut(pixels / 2 * 3);
    let right = &mut rest[pixels % 2 * 3..];
    for (a, b) in left
        .chunks_exact_mut(3)
        .zip(right.chunks_exact_mut(3).rev())
    {
        a.swap_with_slice(b);
    }
}

/// Turns the hue of one pixel; hues are counted in sixths of a turn (red 0, green 2, blue 4).
fn shift_hue(pixel: &mut [f32], turns: f32) {
    let (r, g, b) = (pixel[0], pixel[1], pixel[2]);
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    let scale = if chroma > 0.0 { 1.0 / chroma } else { 0.0 };
    let hue = if value == r {
        (g - b) * scale
    } else if value == g {
        2.0 + (b - r) * scale
    } else {
        4.0 + (r - g) * scale
    };
    let hue = hue + 6.0 * turns;
    // Each channel falls from `value` by a trapezium of the hue, with its centre at another hue.
    for (channel, centre) in pixel.iter_mut().zip([5.0, 3.0, 1.0]) {
        let k = centre + hue;
        let k = k - 6.0 * (k * (1.0 / 6.0)).floor();
        *channel = value - chroma * k.min(4.0 - k).clamp(0.0, 1.0);
    }
}

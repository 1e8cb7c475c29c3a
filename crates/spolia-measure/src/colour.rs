//! Colour: stains by their optical density, and hue, saturation and brightness.

use std::sync::LazyLock;

use crate::Error;
use crate::gray::check_size;

/// Rows are the optical densities of red, green and blue of haematoxylin, eosin and DAB: Ruifrok
/// and Johnston, *Quantification of histochemical staining by color deconvolution*, Analytical and
/// Quantitative Cytology and Histology 23(4), 2001, as rounded in scikit-image's `rgb_from_hed`.
pub(crate) const STAINS: [[f64; 3]; 3] =
    [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]];

/// Gray values of all three channels from here on are white: the ground beside tissue.
const WHITE: u8 = 200;

/// Mean and spread of a number over an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation (of all pixels: divided by their number).
    pub sd: f64,
}

impl Spread {
    /// Coefficient of variation, the standard deviation over the mean; 0 where the mean is 0.
    #[must_use]
    pub fn cv(self) -> f64 {
        if self.mean == 0.0 {
            0.0
        } else {
            self.sd / self.mean
        }
    }
}

/// The colours of an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Haematoxylin as in `skimage.color.rgb2hed`: the stain's optical density in units of 6 (that
    /// of a transmission of 10^-6), not below 0.
    pub haematoxylin: Spread,
    /// Eosin, likewise.
    pub eosin: Spread,
    /// Circular mean of the hue, 0 to 1 (red 0, green 1/3, blue 2/3), over the pixels that have
    /// one: gray has none. 0 where no pixel has, or where they cancel.
    pub hue_mean: f64,
    /// Circular variance of the hue: 1 less the length of the mean direction, 0 (one hue, or none)
    /// to 1.
    pub hue_variance: f64,
    /// Saturation of HSV, 0 (gray) to 1.
    pub saturation: Spread,
    /// Brightness: the value of HSV, the largest channel, 0 to 1.
    pub brightness: Spread,
    /// Share of the pixels whose red, green and blue are all at least 200.
    pub white_share: f64,
}

impl Colour {
    /// Measures an 8-bit RGB image (interleaved, row-major) of `width x height` pixels.
    ///
    /// ```
    /// use spolia_measure::Colour;
    ///
    /// // A magenta and a white pixel.
    /// let colour = Colour::of(&[255, 0, 255, 255, 255, 255], 2, 1)?;
    /// assert!((colour.hue_mean - 5.0 / 6.0).abs() < 1e-12);
    /// assert_eq!(colour.saturation.mean, 0.5);
    /// assert_eq!(colour.white_share, 0.5);
    /// # Ok::<(), spolia_measure::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] for a side of zero, [`Error::Size`] for a buffer of another length.
    pub fn of(rgb: &[u8], width: usize, height: usize) -> Result<Self, Error> {
        check_size(rgb.len(), width, height, 3)?;
        let mut haematoxylin = Moments::default();
        let mut eosin = Moments::default();
        let mut saturation = Moments::default();
        let mut brightness = Moments::default();
        let mut hue = Direction::default();
        let mut white = 0_u64;
        for pixel in rgb.chunks_exact(3) {
            let pixel = [pixel[0], pixel[1], pixel[2]];
            let [h, e, _] = stains(pixel);
            haematoxylin.add(h);
            eosin.add(e);
            let (turn, s, v) = hsv(pixel);
            if let Some(turn) = turn {
                hue.add(turn);
            }
            saturation.add(s);
            brightness.add(v);
            white += u64::from(pixel.iter().all(|&c| c >= WHITE));
        }
        let (hue_mean, hue_variance) = hue.mean_and_variance();
        Ok(Self {
            haematoxylin: haematoxylin.spread(),
            eosin: eosin.spread(),
            hue_mean,
            hue_variance,
            saturation: saturation.spread(),
            brightness: brightness.spread(),
            white_share: white as f64 / (rgb.len() / 3) as f64,
        })
    }
}

/// Haematoxylin, eosin and DAB of one 8-bit RGB pixel: `skimage.color.rgb2hed`, the amounts x >= 0
/// that solve `x STAINS = ln(max(rgb / 255, 10^-6)) / ln(10^-6)` (Ruifrok and Johnston 2001).
#[must_use]
pub fn stains(pixel: [u8; 3]) -> [f64; 3] {
    let [r, g, b] = pixel.map(|value| DENSITY[usize::from(value)]);
    std::array::from_fn(|k| (r * UNMIXING[0][k] + g * UNMIXING[1][k] + b * UNMIXING[2][k]).max(0.0))
}

/// `ln(max(v / 255, 10^-6)) / ln(10^-6)`: 0 for white, 1 for black.
static DENSITY: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|value| (value as f64 / 255.0).max(1e-6).ln() / 1e-6_f64.ln())
});

/// The inverse of [`STAINS`]: rows are red, green and blue, columns haematoxylin, eosin and DAB.
pub(crate) const UNMIXING: [[f64; 3]; 3] = inverse(STAINS);

/// The inverse of a matrix, by its cofactors.
pub(crate) const fn inverse(m: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let mut out = [[0.0; 3]; 3];
    let mut determinant = 0.0;
    let mut i = 0;
    while i < 3 {
        let mut j = 0;
        while j < 3 {
            // The cofactor of (i, j), whose signs the cyclic order holds.
            let (a, b) = ((i + 1) % 3, (i + 2) % 3);
            let (c, d) = ((j + 1) % 3, (j + 2) % 3);
            out[j][i] = m[a][c] * m[b][d] - m[a][d] * m[b][c];
            j += 1;
        }
        i += 1;
    }
    let mut k = 0;
    while k < 3 {
        determinant += m[0][k] * out[k][0];
        k += 1;
    }
    let mut i = 0;
    while i < 9 {
        out[i / 3][i % 3] /= determinant;
        i += 1;
    }
    out
}

/// Hue (a turn from 0 to 1; none for gray), saturation and value, each 0 to 1:
/// `skimage.color.rgb2hsv`.
#[must_use]
pub fn hsv(pixel: [u8; 3]) -> (Option<f64>, f64, f64) {
    let [r, g, b] = pixel.map(f64::from);
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    if chroma == 0.0 {
        return (None, 0.0, value / 255.0);
    }
    let sextant = if b == value {
        4.0 + (r - g) / chroma
    } else if g == value {
        2.0 + (b - r) / chroma
    } else {
        (g - b) / chroma
    };
    (
        Some((sextant / 6.0).rem_euclid(1.0)),
        chroma / value,
        value / 255.0,
    )
}

/// Sums of a number and its square, both less the first number: a constant has no spread at all.
#[derive(Default)]
struct Moments {
    first: Option<f64>,
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, x: f64) {
        let x = x - *self.first.get_or_insert(x);
        self.count += 1.0;
        self.sum += x;
        self.squares += x * x;
    }

    fn spread(&self) -> Spread {
        let count = self.count.max(1.0);
        let mean = self.sum / count;
        Spread {
            mean: self.first.unwrap_or(0.0) + mean,
            sd: (self.squares / count - mean * mean).max(0.0).sqrt(),
        }
    }
}

/// Sum of unit vectors.
#[derive(Default)]
struct Direction {
    count: f64,
    cos: f64,
    sin: f64,
}

impl Direction {
    fn add(&mut self, turn: f64) {
        let (sin, cos) = (std::f64::consts::TAU * turn).sin_cos();
        self.count += 1.0;
        self.cos += cos;
        self.sin += sin;
    }

    fn mean_and_variance(&self) -> (f64, f64) {
        if self.count == 0.0 {
            return (0.0, 0.0);
        }
        let length = self.cos.hypot(self.sin) / self.count;
        // Opposite hues leave only rounding.
        if length < 1e-12 {
            return (0.0, 1.0);
        }
        let turn = self.sin.atan2(self.cos) / std::f64::consts::TAU;
        // rem_euclid rounds a tiny negative turn up to 1.
        let turn = turn.rem_euclid(1.0);
        let turn = if turn == 1.0 { 0.0 } else { turn };
        (turn, (1.0 - length).max(0.0))
    }
}

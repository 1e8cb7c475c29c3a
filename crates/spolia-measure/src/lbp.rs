//! Local binary patterns.
//!
//! Ojala, Pietikäinen, Mäenpää, *Multiresolution gray-scale and rotation invariant texture
//! classification with local binary patterns*, IEEE Transactions on Pattern Analysis and Machine
//! Intelligence 24(7), 2002. Codes are those of `skimage.feature.local_binary_pattern`.

use crate::{Error, Gray};

/// How the signs on the circle become a code; P is the number of points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// The signs as binary digits: 0 to 2^P - 1 (Ojala 2002, equation 7).
    Default,
    /// The smallest code of all rotations: 0 to 2^P - 1 (equation 8).
    RotationInvariant,
    /// The number of ones of patterns of at most two changes, P + 1 for all others (equation 9).
    Uniform,
    /// Each pattern of at most two changes by itself, one code for all others: 0 to
    /// P (P - 1) + 2 (Ahonen, Hadid and Pietikäinen 2006).
    UniformNotRotationInvariant,
}

impl Pattern {
    /// scikit-image's name: `default`, `ror`, `uniform` or `nri_uniform`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::RotationInvariant => "ror",
            Self::Uniform => "uniform",
            Self::UniformNotRotationInvariant => "nri_uniform",
        }
    }

    /// How many codes there are with `points` points: one more than the largest.
    #[must_use]
    pub fn codes(self, points: u32) -> usize {
        let p = points as usize;
        match self {
            Self::Default | Self::RotationInvariant => 1 << p.min(MOST_POINTS as usize),
            Self::Uniform => p + 2,
            Self::UniformNotRotationInvariant => p * p.saturating_sub(1) + 3,
        }
    }

    /// The code of `signs`, whose bit k is the sign of point k.
    fn code(self, signs: u32, points: u32) -> u32 {
        match self {
            Self::Default => signs,
            Self::RotationInvariant => {
                let mut smallest = signs;
                let mut rotated = signs;
                for _ in 1..points {
                    rotated = (rotated >> 1) | ((rotated & 1) << (points - 1));
                    smallest = smallest.min(rotated);
                }
                smallest
            }
            Self::Uniform if changes(signs, points) <= 2 => signs.count_ones(),
            Self::Uniform => points + 1,
            Self::UniformNotRotationInvariant => {
                let ones = signs.count_ones();
                if changes(signs, points) > 2 {
                    points * (points - 1) + 2
                } else if ones == 0 {
                    0
                } else if ones == points {
                    points * (points - 1) + 1
                } else {
                    let rotation = if signs & 1 == 1 {
                        // The ones that lie before point 0, in the rotation's direction.
                        ones - signs.trailing_ones()
                    } else {
                        points - signs.trailing_zeros()
                    };
                    1 + (ones - 1) * points + rotation
                }
            }
        }
    }
}

/// Changes of sign from point 0 to the last, the step from the last back to 0 left out as in
/// scikit-image (a pattern of at most two changes has at most two with it).
fn changes(signs: u32, points: u32) -> u32 {
    let pairs = (1_u32 << (points - 1)) - 1;
    ((signs ^ (signs >> 1)) & pairs).count_ones()
}

const MOST_POINTS: u32 = 24;

/// The code of every pixel, row by row: bit k is set where the circle's point k is at least as
/// bright as the pixel. `points` (1 to 24) lie at `radius` pixels, the first to the right, further
/// ones counter-clockwise; between pixels the circle is interpolated, outside the image it is 0.
///
/// ```
/// use spolia_measure::{Gray, Pattern, local_binary_pattern};
///
/// let image = Gray::new(vec![5; 9], 3, 3)?;
/// let codes = local_binary_pattern(&image, 4, 1.0, Pattern::Uniform)?;
/// assert_eq!(codes, [2, 3, 2, 3, 4, 3, 2, 3, 2]); // outside it is dark
/// # Ok::<(), spolia_measure::Error>(())
/// ```
///
/// # Errors
/// [`Error::Pattern`] for points or a radius out of range.
pub fn local_binary_pattern(
    image: &Gray,
    points: u32,
    radius: f64,
    pattern: Pattern,
) -> Result<Vec<u32>, Error> {
    let circle = Circle::new(points, radius)?;
    // The codes of all signs where these are few.
    let table: Vec<u32> = if points <= 12 {
        (0..1 << points).map(|s| pattern.code(s, points)).collect()
    } else {
        Vec::new()
    };
    let mut codes = Vec::with_capacity(image.pixels().len());
    circle.visit(image, |centre, samples| {
        let mut signs = 0_u32;
        for (k, sample) in samples.iter().enumerate() {
            signs |= u32::from(sample - centre >= 0.0) << k;
        }
        codes.push(match table.get(signs as usize) {
            Some(&code) => code,
            None => pattern.code(signs, points),
        });
    });
    Ok(codes)
}

/// The variance of the circle's points at every pixel, row by row, in squared gray levels (Ojala
/// 2002, equation 18; scikit-image's `var`, with 0 where it has NaN for want of variance).
///
/// # Errors
/// [`Error::Pattern`] for points or a radius out of range.
pub fn local_variance(image: &Gray, points: u32, radius: f64) -> Result<Vec<f64>, Error> {
    let circle = Circle::new(points, radius)?;
    let count = f64::from(points);
    let mut variances = Vec::with_capacity(image.pixels().len());
    circle.visit(image, |_, samples| {
        let (mut sum, mut squares) = (0.0, 0.0);
        for &sample in samples {
            sum += sample;
            squares += sample * sample;
        }
        variances.push(((squares - sum * sum / count) / count).max(0.0));
    });
    Ok(variances)
}

/// The share of each code: `pattern.codes(points)` values that sum to 1, over all pixels.
///
/// # Errors
/// [`Error::Pattern`] for points or a radius out of range.
pub fn lbp_histogram(
    image: &Gray,
    points: u32,
    radius: f64,
    pattern: Pattern,
) -> Result<Vec<f64>, Error> {
    let codes = local_binary_pattern(image, points, radius, pattern)?;
    let mut counts = vec![0_u64; pattern.codes(points)];
    for &code in &codes {
        counts[code as usize] += 1;
    }
    let total = codes.len() as f64;
    Ok(counts.into_iter().map(|c| c as f64 / total).collect())
}

/// The points of the circle about a pixel: rows down and columns right of it.
struct Circle(Vec<(f64, f64)>);

/// A coordinate between two rows (columns) of the framed image.
#[derive(Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    /// How far from `low` to `high`, 0 to 1.
    part: f64,
}

impl Between {
    /// Of `size` rows in a black frame one pixel wide: what lies further out is as black.
    fn new(position: f64, size: usize) -> Self {
        let framed = |row: f64| (row + 1.0).clamp(0.0, size as f64 + 1.0) as usize;
        Self {
            low: framed(position.floor()),
            high: framed(position.ceil()),
            part: position - position.floor(),
        }
    }
}

impl Circle {
    fn new(points: u32, radius: f64) -> Result<Self, Error> {
        if !((1..=MOST_POINTS).contains(&points) && radius > 0.0 && radius.is_finite()) {
            return Err(Error::Pattern {
                points,
                radius: radius.to_string(),
            });
        }
        let rounded = |x: f64| (x * 1e5).round_ties_even() / 1e5;
        let point = |k: u32| {
            let angle = 2.0 * std::f64::consts::PI * f64::from(k) / f64::from(points);
            (
                rounded(-radius * angle.sin()),
                rounded(radius * angle.cos()),
            )
        };
        Ok(Self((0..points).map(point).collect()))
    }

    /// Calls `each` with every pixel and the samples of its circle. Whether a sample equals the
    /// pixel hangs on the last bit, so the arithmetic is scikit-image's, term by term.
    fn visit(&self, image: &Gray, mut each: impl FnMut(f64, &[f64])) {
        let (width, height) = (image.width(), image.height());
        let wide = width + 2;
        let mut framed = vec![0.0; wide * (height + 2)];
        for y in 0..height {
            let row = &mut framed[(y + 1) * wide + 1..][..width];
            for (out, &value) in row.iter_mut().zip(image.row(y)) {
                *out = f64::from(value);
            }
        }
        // Column by column, the points side by side.
        let columns: Vec<Between> = (0..width)
            .flat_map(|x| self.0.iter().map(move |&(_, right)| (x, right)))
            .map(|(x, right)| Between::new(x as f64 + right, width))
            .collect();
        let mut samples = vec![0.0; self.0.len()];
        let mut rows: Vec<(&[f64], &[f64], f64)> = Vec::with_capacity(self.0.len());
        for y in 0..height {
            rows.clear();
            rows.extend(self.0.iter().map(|&(down, _)| {
                let row = Between::new(y as f64 + down, height);
                let line = |at: usize| &framed[at * wide..(at + 1) * wide];
                (line(row.low), line(row.high), row.part)
            }));
            let centres = &framed[(y + 1) * wide + 1..][..width];
            for (&centre, columns) in centres.iter().zip(columns.chunks_exact(self.0.len())) {
                for ((sample, &(upper, lower, down)), column) in
                    samples.iter_mut().zip(&rows).zip(columns)
                {
                    let across = column.part;
                    let top = (1.0 - across) * upper[column.low] + across * upper[column.high];
                    let bottom = (1.0 - across) * lower[column.low] + across * lower[column.high];
                    *sample = (1.0 - down) * top + down * bottom;
                }
                each(centre, &samples);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_codes() {
        for (pattern, codes) in [
            (Pattern::Default, 256),
            (Pattern::RotationInvariant, 256),
            (Pattern::Uniform, 10),
            (Pattern::UniformNotRotationInvariant, 59),
        ] {
            assert_eq!(pattern.codes(8), codes);
            let largest = (0..256).map(|signs| pattern.code(signs, 8)).max();
            assert_eq!(largest, Some(codes as u32 - 1), "{pattern:?}");
        }
    }

    #[test]
    fn a_single_pixel_is_brighter_than_its_surroundings() {
        let image = Gray::new(vec![9], 1, 1).unwrap();
        assert_eq!(
            local_binary_pattern(&image, 8, 3.0, Pattern::Default).unwrap(),
            [0]
        );
        assert_eq!(local_variance(&image, 8, 3.0).unwrap(), [0.0]);
    }

    #[test]
    fn points_and_radius_have_limits() {
        let image = Gray::new(vec![9], 1, 1).unwrap();
        for (points, radius) in [(0, 1.0), (25, 1.0), (8, 0.0), (8, f64::INFINITY)] {
            assert!(local_binary_pattern(&image, points, radius, Pattern::Uniform).is_err());
        }
    }
}

//! From gray values to the levels of a co-occurrence matrix.

use super::mask::Selected;
use crate::Error;

/// How gray values (0 to 255) become levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Binning {
    /// The values are the levels, of which there are so many (2 to 256): scikit-image.
    Levels(usize),
    /// The values are the levels, of which there are as many as the brightest pixel plus one:
    /// mahotas.
    UpToMaximum,
    /// Bins of this width (gray values, above 0), whose edges are multiples of it; the darkest
    /// pixel lies in the first: pyradiomics' `binWidth`.
    Width(f64),
    /// So many bins (1 to 256) of equal width from the darkest to the brightest pixel:
    /// pyradiomics' `binCount`.
    Count(usize),
}

/// The levels of an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    /// Lowest and highest level that occurs, counted from 0.
    pub low: usize,
    pub high: usize,
    /// How many levels there are, occurring or not.
    pub number: usize,
}

impl Binning {
    /// Writes the level less the lowest level of every pixel to `out` (what lies outside the mask
    /// is without meaning).
    pub(crate) fn apply(self, image: &Selected<'_>, out: &mut Vec<u8>) -> Result<Levels, Error> {
        let (darkest, brightest) = image.extremes()?;
        let (low_value, high_value) = (usize::from(darkest), usize::from(brightest));
        let identity = |number| Levels {
            low: low_value,
            high: high_value,
            number,
        };
        let mut table = [0_u8; 256];
        let levels = match self {
            Self::Levels(number) => {
                if !(2..=256).contains(&number) {
                    return Err(Error::Levels { levels: number });
                }
                if high_value >= number {
                    return Err(Error::PixelAboveLevels {
                        value: brightest,
                        levels: number,
                    });
                }
                identity(number)
            }
            Self::UpToMaximum => identity(high_value + 1),
            Self::Width(width) => {
                let edges = width_edges(darkest, brightest, width)?;
                digitize(&edges, darkest, brightest, &mut table)
            }
            Self::Count(count) => {
                let edges = count_edges(darkest, brightest, count)?;
                digitize(&edges, darkest, brightest, &mut table)
            }
        };
        out.clear();
        if matches!(self, Self::Levels(_) | Self::UpToMaximum) {
            out.extend(image.pixels.iter().map(|&v| v.wrapping_sub(darkest)));
        } else {
            out.extend(image.pixels.iter().map(|&v| table[usize::from(v)]));
        }
        Ok(levels)
    }
}

/// Fills `table` with the level less the lowest of each gray value, and says which levels occur
/// at the ends. A level is the number of edges at or below the value, less one
/// (`numpy.digitize(value, edges) - 1`).
fn digitize(edges: &[f64], darkest: u8, brightest: u8, table: &mut [u8; 256]) -> Levels {
    let level = |value: u8| edges.partition_point(|&edge| edge <= f64::from(value)) - 1;
    let (low, high) = (level(darkest), level(brightest));
    for value in darkest..=brightest {
        table[usize::from(value)] = (level(value) - low) as u8;
    }
    Levels {
        low,
        high,
        // pyradiomics' Ng: the highest level that occurs.
        number: high + 1,
    }
}

/// `numpy.arange(min - min % width, max + 2 * width, width)`.
fn width_edges(darkest: u8, brightest: u8, width: f64) -> Result<Vec<f64>, Error> {
    // Narrower bins would tell no more gray values apart, and outnumber the levels.
    if !(width >= 1.0 && width.is_finite()) {
        return Err(Error::BinWidth {
            width: width.to_string(),
        });
    }
    let (darkest, brightest) = (f64::from(darkest), f64::from(brightest));
    let low = darkest - darkest % width;
    let step = (low + width) - low;
    let count = ((brightest + 2.0 * width - low) / width).ceil() as usize;
    Ok((0..count).map(|k| low + k as f64 * step).collect())
}

/// `numpy.histogram(values, count)[1]`, its last edge raised by 1.
fn count_edges(darkest: u8, brightest: u8, count: usize) -> Result<Vec<f64>, Error> {
    if !(1..=256).contains(&count) {
        return Err(Error::BinCount { count });
    }
    let (mut low, mut high) = (f64::from(darkest), f64::from(brightest));
    if low == high {
        low -= 0.5;
        high += 0.5;
    }
    let step = (high - low) / count as f64;
    let mut edges: Vec<f64> = (0..count).map(|k| k as f64 * step + low).collect();
    edges.push(high + 1.0);
    Ok(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(binning: Binning, pixels: &[u8]) -> (Vec<usize>, usize) {
        let image = Selected {
            pixels,
            width: pixels.len(),
            height: 1,
            mask: None,
        };
        let mut out = Vec::new();
        let levels = binning.apply(&image, &mut out).unwrap();
        let absolute = out.iter().map(|&v| usize::from(v) + levels.low).collect();
        (absolute, levels.number)
    }

    #[test]
    fn fixed_width_starts_at_a_multiple() {
        // pyradiomics' example: 54 to 166, width 25 gives edges 50, 75, ... 175.
        let (levels, number) = levels(Binning::Width(25.0), &[54, 74, 75, 150, 166]);
        assert_eq!((levels, number), (vec![0, 0, 1, 4, 4], 5));
    }

    #[test]
    fn fixed_count_closes_the_last_bin() {
        let (four, number) = levels(Binning::Count(4), &[0, 1, 2, 3, 4, 8]);
        assert_eq!((four, number), (vec![0, 0, 1, 1, 2, 3], 4));
        // A constant image lies in the middle bin, as numpy's range is value ± 0.5.
        assert_eq!(levels(Binning::Count(4), &[9, 9]), (vec![2, 2], 3));
        assert_eq!(levels(Binning::Count(5), &[9, 9]), (vec![2, 2], 3));
    }

    #[test]
    fn values_as_levels() {
        assert_eq!(levels(Binning::Levels(8), &[3, 7]), (vec![3, 7], 8));
        assert_eq!(levels(Binning::UpToMaximum, &[3, 6]), (vec![3, 6], 7));
    }
}

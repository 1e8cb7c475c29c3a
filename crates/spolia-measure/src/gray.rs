//! From colour to gray as scikit-image does it, rounding included.

use crate::Error;

/// A gray image: 8 bits per pixel, row-major, never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gray {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Gray {
    /// Wraps `width * height` gray values, row by row.
    ///
    /// # Errors
    /// [`Error::Empty`] for a side of zero, [`Error::Size`] for a buffer of another length.
    pub fn new(pixels: Vec<u8>, width: usize, height: usize) -> Result<Self, Error> {
        check_size(pixels.len(), width, height, 1)?;
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    /// Converts 8-bit RGB (interleaved, row-major) to gray.
    ///
    /// This is `skimage.util.img_as_ubyte(skimage.color.rgb2gray(rgb))`: luma of ITU-R BT.709
    /// (0.2125 R + 0.7154 G + 0.0721 B), scaled to 0-255 and rounded to the nearest level. All
    /// 16,777,216 colours give scikit-image 0.26's level, those halfway between two levels included.
    ///
    /// # Errors
    /// [`Error::Empty`] for a side of zero, [`Error::Size`] for a buffer of another length.
    pub fn from_rgb(rgb: &[u8], width: usize, height: usize) -> Result<Self, Error> {
        check_size(rgb.len(), width, height, 3)?;
        let pixels = rgb
            .chunks_exact(3)
            .map(|pixel| luma(pixel[0], pixel[1], pixel[2]))
            .collect();
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The gray values, row by row.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Row `y`; `y` is below [`Gray::height`].
    pub(crate) fn row(&self, y: usize) -> &[u8] {
        &self.pixels[y * self.width..(y + 1) * self.width]
    }
}

pub(crate) fn check_size(
    got: usize,
    width: usize,
    height: usize,
    channels: usize,
) -> Result<(), Error> {
    let expected = width
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(channels))
        .filter(|&bytes| bytes > 0)
        .ok_or(Error::Empty { width, height })?;
    if got != expected {
        return Err(Error::Size {
            width,
            height,
            channels,
            expected,
            got,
        });
    }
    Ok(())
}

/// Weights of red, green and blue in 1/10,000.
const WEIGHTS: [u32; 3] = [2125, 7154, 721];

/// One gray level. Integers decide, except halfway between two levels: 1,688 colours, for which
/// scikit-image's rounding depends on the last bits of its floating-point sum.
fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let sum =
        WEIGHTS[0] * u32::from(red) + WEIGHTS[1] * u32::from(green) + WEIGHTS[2] * u32::from(blue);
    let level = (sum + 5000) / 10_000;
    if sum % 10_000 == 5000 {
        return luma_of_tie(red, green, blue);
    }
    level as u8
}

/// scikit-image's floating-point arithmetic: the pixel is multiplied by 1/255, numpy's matrix
/// product adds green, red, blue in this order with fused multiplications (x86-64), and the sum
/// is multiplied by 255 and rounded half to even.
#[cold]
fn luma_of_tie(red: u8, green: u8, blue: u8) -> u8 {
    let scaled = |value: u8| f64::from(value) * (1.0 / 255.0);
    let sum = scaled(green) * 0.7154;
    let sum = scaled(red).mul_add(0.2125, sum);
    let sum = scaled(blue).mul_add(0.0721, sum);
    (sum * 255.0).round_ties_even() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(rgb: [u8; 3]) -> u8 {
        Gray::from_rgb(&rgb, 1, 1).unwrap().pixels()[0]
    }

    #[test]
    fn primaries() {
        // 54.1875, 182.427, 18.3855 and the ends.
        assert_eq!(level([255, 0, 0]), 54);
        assert_eq!(level([0, 255, 0]), 182);
        assert_eq!(level([0, 0, 255]), 18);
        assert_eq!(level([255, 255, 255]), 255);
        assert_eq!(level([0, 0, 0]), 0);
    }

    #[test]
    fn gray_stays_gray() {
        for value in 0..=255 {
            assert_eq!(level([value; 3]), value);
        }
    }

    #[test]
    fn ties_round_as_in_scikit_image() {
        // tests/reference/glcm.py: levels of the 1,688 colours halfway between two levels.
        let mut ties = 0;
        let mut checksum = 0;
        for red in 0..=255u8 {
            for green in 0..=255u8 {
                for blue in 0..=255u8 {
                    let sum =
                        2125 * u32::from(red) + 7154 * u32::from(green) + 721 * u32::from(blue);
                    if sum % 10_000 == 5000 {
                        ties += 1;
                        checksum += ties * u64::from(luma(red, green, blue));
                    }
                }
            }
        }
        assert_eq!((ties, checksum), (1688, 194_663_525));
        assert_eq!(level([0, 40, 40]), 31);
        assert_eq!(level([23, 16, 141]), 26);
        assert_eq!(level([61, 181, 181]), 155);
    }

    #[test]
    fn a_wrong_size_is_named() {
        let error = Gray::from_rgb(&[0; 11], 2, 2).unwrap_err();
        assert!(error.to_string().contains("2 x 2 pixels"), "{error}");
        assert!(error.to_string().contains("12 bytes, but 11"), "{error}");
        assert!(matches!(Gray::new(vec![], 0, 4), Err(Error::Empty { .. })));
        assert!(matches!(
            Gray::from_rgb(&[0; 3], usize::MAX, 2),
            Err(Error::Empty { .. })
        ));
    }
}

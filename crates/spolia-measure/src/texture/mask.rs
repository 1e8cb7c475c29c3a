//! An image, or what a mask leaves of it.

use crate::{Error, Gray};

/// The pixels that are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Selected<'a> {
    pub pixels: &'a [u8],
    pub width: usize,
    pub height: usize,
    /// `true` for a pixel that is measured; all are where there is none.
    pub mask: Option<&'a [bool]>,
}

impl<'a> Selected<'a> {
    /// All of `image`, or the pixels where `mask` is true.
    pub fn new(image: &'a Gray, mask: Option<&'a [bool]>) -> Result<Self, Error> {
        let pixels = image.pixels();
        if let Some(mask) = mask
            && mask.len() != pixels.len()
        {
            return Err(Error::MeasuredMask {
                width: image.width(),
                height: image.height(),
                got: mask.len(),
            });
        }
        if pixels.len() >= u32::MAX as usize {
            return Err(Error::TooLarge {
                width: image.width(),
                height: image.height(),
            });
        }
        Ok(Self {
            pixels,
            width: image.width(),
            height: image.height(),
            mask,
        })
    }

    /// The darkest and the brightest measured pixel.
    pub fn extremes(&self) -> Result<(u8, u8), Error> {
        let (mut low, mut high) = (u8::MAX, 0);
        match self.mask {
            None => {
                for &pixel in self.pixels {
                    low = low.min(pixel);
                    high = high.max(pixel);
                }
            }
            Some(mask) => {
                for (&pixel, &measured) in self.pixels.iter().zip(mask) {
                    low = low.min(if measured { pixel } else { u8::MAX });
                    high = high.max(if measured { pixel } else { 0 });
                }
            }
        }
        if low > high || self.mask.is_some_and(|mask| !mask.contains(&true)) {
            return Err(Error::EmptyMask);
        }
        Ok((low, high))
    }
}

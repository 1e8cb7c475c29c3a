//! Occlusion (Zeiler and Fergus 2014, section 4.2).
//!
//! A window of one colour is moved over the image; each pixel's value is the mean, over the windows that cover it, of
//! how far the logit falls (windows that reach over the last row or column are cut there, as captum's). The map is
//! its positive part. A window should be about as large as what may matter, a nucleus or a gland.

use spolia_network::Tensor;

use super::{Map, Options, path::Walk};
use crate::Error;

/// The mean fall of the logit at each pixel, with its sign; rows x columns for each image.
pub(super) fn attribution(
    walk: &mut Walk<'_>,
    images: &Tensor,
    class: usize,
    options: &Options,
) -> Result<Vec<Vec<f64>>, Error> {
    let [n, rows, columns, depth] = images.shape();
    let whole = walk.evidence(images, class)?;
    let mut windows = Vec::new();
    for top in starts(rows, options) {
        for left in starts(columns, options) {
            windows.push((
                top..(top + options.window).min(rows),
                left..(left + options.window).min(columns),
            ));
        }
    }
    let mut out = Vec::with_capacity(n);
    for (i, whole) in whole.into_iter().enumerate() {
        let (mut sum, mut count) = (vec![0f64; rows * columns], vec![0f64; rows * columns]);
        for chunk in windows.chunks(options.batch) {
            let mut data = Vec::with_capacity(chunk.len() * rows * columns * depth);
            for (across, along) in chunk {
                let at = data.len();
                data.extend_from_slice(images.image(i));
                for y in across.clone() {
                    for x in along.clone() {
                        let pixel = at + (y * columns + x) * depth;
                        for (v, b) in data[pixel..pixel + depth].iter_mut().zip(options.baseline) {
                            *v = b;
                        }
                    }
                }
            }
            let covered = Tensor::new([chunk.len(), rows, columns, depth], data)?;
            for ((across, along), score) in chunk.iter().zip(walk.evidence(&covered, class)?) {
                for y in across.clone() {
                    for x in along.clone() {
                        sum[y * columns + x] += whole - score;
                        count[y * columns + x] += 1.0;
                    }
                }
            }
        }
        out.push(
            sum.into_iter()
                .zip(count)
                .map(|(s, c)| s / f64::max(c, 1.0))
                .collect(),
        );
    }
    Ok(out)
}

/// One map per image, of its size.
pub(super) fn maps(
    walk: &mut Walk<'_>,
    images: &Tensor,
    class: usize,
    options: &Options,
) -> Result<Vec<Map>, Error> {
    let [_, height, width, _] = images.shape();
    let signed = attribution(walk, images, class, options)?;
    Ok(signed
        .into_iter()
        .map(|values| Map {
            height,
            width,
            values: values.into_iter().map(|v| v.max(0.0) as f32).collect(),
        })
        .collect())
}

/// Where windows start along a side: every stride, until the side is covered.
fn starts(side: usize, options: &Options) -> impl Iterator<Item = usize> {
    let more = side.saturating_sub(options.window).div_ceil(options.stride);
    let stride = options.stride;
    (0..=more).map(move |i| i * stride)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_every_side() {
        let options = |window, stride| Options {
            window,
            stride,
            ..Options::default()
        };
        let of = |side, window, stride| starts(side, &options(window, stride)).collect::<Vec<_>>();
        assert_eq!(of(10, 4, 3), [0, 3, 6]);
        assert_eq!(of(11, 4, 3), [0, 3, 6, 9]);
        assert_eq!(of(3, 4, 4), [0]);
    }
}

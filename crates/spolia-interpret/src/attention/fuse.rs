//! One map of several layers.

use super::Map;

/// The maps of one image at several layers as one of `width` x `height`: each brought to 0-1 by its smallest and
/// largest value, resized (bilinear), their mean brought to 0-1 again. A flat map adds nothing. This is what
/// pytorch-grad-cam does with several target layers.
#[must_use]
pub fn fused(maps: &[Map], width: usize, height: usize) -> Map {
    let mut sum = vec![0f32; width * height];
    for map in maps {
        let resized = map.normalised().resized(width, height);
        sum.iter_mut()
            .zip(&resized.values)
            .for_each(|(s, v)| *s += v);
    }
    Map {
        height,
        width,
        values: sum,
    }
    .normalised()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_of_scaled_maps() {
        let map = |values: [f32; 4]| Map {
            height: 2,
            width: 2,
            values: values.to_vec(),
        };
        // Scaled: 0, .5, 1, 1 and 1, 0, 0, .5; the sum 1, .5, 1, 1.5.
        let both = [map([2.0, 3.0, 4.0, 4.0]), map([80.0, 0.0, 0.0, 40.0])];
        assert_eq!(fused(&both, 2, 2).values, [0.5, 0.0, 0.5, 1.0]);
        let with_flat = [map([2.0, 3.0, 4.0, 4.0]), map([7.0; 4])];
        assert_eq!(fused(&with_flat, 2, 2).values, [0.0, 0.5, 1.0, 1.0]);
    }
}

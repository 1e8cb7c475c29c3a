use crate::Error;

/// An attention map at a layer's resolution, as the method gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Rows x columns, not negative, of no fixed range.
    pub values: Vec<f32>,
}

impl Map {
    /// Smallest and largest value; 0 and 0 for an empty map.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        let range = self
            .values
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| {
                (l.min(v), h.max(v))
            });
        if range.0 <= range.1 {
            range
        } else {
            (0.0, 0.0)
        }
    }

    /// Brought to 0-1 by its smallest and largest value; a flat map becomes 0.
    #[must_use]
    pub fn normalised(&self) -> Self {
        self.normalised_by(self.range())
    }

    /// Brought to 0-1 so that these values become 0 and 1, what is beyond them too; all 0 where they are equal.
    #[must_use]
    pub fn normalised_by(&self, (low, high): (f32, f32)) -> Self {
        let scale = if high > low { 1.0 / (high - low) } else { 0.0 };
        Self {
            values: self
                .values
                .iter()
                .map(|&v| ((v - low) * scale).clamp(0.0, 1.0))
                .collect(),
            ..*self
        }
    }

    /// Resampled bilinearly to `width` x `height`, with pixels as areas (the edges of the two maps coincide, as in
    /// PyTorch's `align_corners=False`).
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let columns: Vec<_> = (0..width).map(|x| between(x, width, self.width)).collect();
        let mut values = Vec::with_capacity(width * height);
        for y in 0..height {
            let (top, bottom, fy) = between(y, height, self.height);
            let (top, bottom) = (self.row(top), self.row(bottom));
            values.extend(columns.iter().map(|&(left, right, fx)| {
                let upper = top[left] + fx * (top[right] - top[left]);
                let lower = bottom[left] + fx * (bottom[right] - bottom[left]);
                upper + fy * (lower - upper)
            }));
        }
        Self {
            height,
            width,
            values,
        }
    }

    /// The means over `width` x `height` cells, no more than the map has values along a side, each value counted to the cell that its centre lies in: a map of pixels at a
    /// layer's resolution.
    #[must_use]
    pub fn averaged(&self, width: usize, height: usize) -> Self {
        let (mut sums, mut counts) = (vec![0f64; width * height], vec![0f64; width * height]);
        let cell = |i: usize, side: usize, cells: usize| (2 * i + 1) * cells / (2 * side);
        for (y, row) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            let row_of = cell(y, self.height, height) * width;
            for (x, &v) in row.iter().enumerate() {
                let at = row_of + cell(x, self.width, width);
                sums[at] += f64::from(v);
                counts[at] += 1.0;
            }
        }
        Self {
            height,
            width,
            values: sums
                .iter()
                .zip(&counts)
                .map(|(sum, count)| (sum / f64::max(*count, 1.0)) as f32)
                .collect(),
        }
    }

    /// Averaged with a Gaussian of `sd` values, cut off at three of them; at the border over what lies within. For the eye:
    /// attributions of single pixels are too scattered to be seen over a patch.
    #[must_use]
    pub fn smoothed(&self, sd: f64) -> Self {
        let reach = (3.0 * sd).ceil() as usize;
        let weight: Vec<f64> = (0..=reach)
            .map(|d| (-((d * d) as f64) / (2.0 * sd * sd)).exp())
            .collect();
        let average = |at: usize, side: usize, value: &dyn Fn(usize) -> f32| {
            let (mut sum, mut total) = (0.0, 0.0);
            for place in at.saturating_sub(reach)..(at + reach + 1).min(side) {
                let w = weight[place.abs_diff(at)];
                sum += w * f64::from(value(place));
                total += w;
            }
            (sum / total) as f32
        };
        let (w, h) = (self.width, self.height);
        let rows: Vec<f32> = (0..h * w)
            .map(|i| average(i % w, w, &|x| self.values[i / w * w + x]))
            .collect();
        Self {
            values: (0..h * w)
                .map(|i| average(i / w, h, &|y| rows[y * w + i % w]))
                .collect(),
            ..*self
        }
    }

    /// Whether the values are finite and as many as the sides say, at least one.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.values.is_empty() || self.values.len() != self.width * self.height {
            return Err(Error::Shape {
                what: "attention map".into(),
                expected: format!("{} x {} values, at least one", self.height, self.width),
                got: self.values.len().to_string(),
            });
        }
        match self.values.iter().find(|v| !v.is_finite()) {
            Some(&value) => Err(Error::NotFinite {
                what: "an attention map",
                value: value.into(),
            }),
            None => Ok(()),
        }
    }

    fn row(&self, y: usize) -> &[f32] {
        &self.values[y * self.width..(y + 1) * self.width]
    }
}

/// relu(sum over channels of w A) at each position of an activation (rows x columns x channels).
pub(super) fn weighted_sum(activation: &[f32], weights: &[f64]) -> Vec<f32> {
    activation
        .chunks_exact(weights.len().max(1))
        .map(|pixel| {
            let products = pixel.iter().zip(weights).map(|(&a, w)| f64::from(a) * w);
            products.sum::<f64>().max(0.0) as f32
        })
        .collect()
}

/// relu(sum over channels of `weight`(g) A) at each position of an activation and its gradient, both rows x columns x
/// channels: every position is weighed by its own gradient.
pub(super) fn own_weighted_sum(
    activation: &[f32],
    gradient: &[f32],
    channels: usize,
    weight: fn(f32) -> f32,
) -> Vec<f32> {
    let channels = channels.max(1);
    activation
        .chunks_exact(channels)
        .zip(gradient.chunks_exact(channels))
        .map(|(a, g)| {
            let pairs = a.iter().zip(g);
            let products = pairs.map(|(&a, &g)| f64::from(a) * f64::from(weight(g)));
            products.sum::<f64>().max(0.0) as f32
        })
        .collect()
}

/// The two inputs next to output position `x`, and the fraction towards the second.
fn between(x: usize, outputs: usize, inputs: usize) -> (usize, usize, f32) {
    let last = inputs.saturating_sub(1);
    let at = ((x as f32 + 0.5) * inputs as f32 / outputs as f32 - 0.5).clamp(0.0, last as f32);
    let first = at as usize;
    (first, (first + 1).min(last), at - first as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_flat_map_and_spreads_a_point() {
        let flat = Map {
            height: 5,
            width: 7,
            values: vec![2.0; 35],
        };
        assert!(
            flat.smoothed(1.5)
                .values
                .iter()
                .all(|v| (v - 2.0).abs() < 1e-6)
        );
        let mut point = Map {
            values: vec![0.0; 35],
            ..flat
        };
        point.values[2 * 7 + 3] = 1.0;
        let spread = point.smoothed(0.5);
        // exp(-2) of the middle beside it; both directions alike.
        let ratio = spread.values[2 * 7 + 4] / spread.values[2 * 7 + 3];
        assert!((ratio - (-2.0f32).exp()).abs() < 1e-5, "{ratio}");
        assert_eq!(spread.values[7 + 3], spread.values[3 * 7 + 3]);
    }

    #[test]
    fn averaged_over_cells() {
        let map = Map {
            height: 2,
            width: 3,
            values: vec![1.0, 2.0, 6.0, 3.0, 4.0, 8.0],
        };
        // The middle column's centre lies on the border of the two cells and counts to the right one.
        let cells = map.averaged(2, 1);
        assert_eq!((cells.height, cells.width), (1, 2));
        assert_eq!(cells.values, [2.0, 5.0]);
        assert_eq!(map.averaged(3, 2), map);
    }

    #[test]
    fn normalised_by_range() {
        let map = Map {
            height: 1,
            width: 3,
            values: vec![2.0, 4.0, 6.0],
        };
        assert_eq!(map.range(), (2.0, 6.0));
        assert_eq!(map.normalised().values, [0.0, 0.5, 1.0]);
        let flat = Map {
            height: 1,
            width: 2,
            values: vec![3.0, 3.0],
        };
        assert_eq!(flat.normalised().values, [0.0, 0.0]);
    }

    /// PyTorch: interpolate([[0, 4], [8, 12]], size 4, bilinear, align_corners=False).
    #[test]
    fn resized_as_pytorch() {
        let map = Map {
            height: 2,
            width: 2,
            values: vec![0.0, 4.0, 8.0, 12.0],
        };
        let rows = [0.0, 2.0, 6.0, 8.0];
        let columns = [0.0, 1.0, 3.0, 4.0];
        let expected: Vec<f32> = rows.iter().flat_map(|r| columns.map(|c| r + c)).collect();
        assert_eq!(map.resized(4, 4).values, expected);
        assert_eq!(map.resized(2, 2), map);
        assert_eq!(map.resized(1, 1).values, [6.0]);
    }
}

//! A plane as a Laplacian pyramid: the sum of planes of falling size, enlarged (Lucid's `laplacian_pyramid_image`).

/// The linear map from the levels of one plane to the plane, and its transpose.
pub(super) struct Pyramid {
    width: usize,
    levels: Vec<Level>,
    len: usize,
}

struct Level {
    width: usize,
    columns: Vec<Place>,
    rows: Vec<Place>,
}

/// Two neighbours and the share of the second.
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    second: usize,
    share: f32,
}

impl Pyramid {
    /// Level n has ⌈side / 2^n⌉ pixels a side; at least one level.
    pub fn new(width: usize, height: usize, levels: usize) -> Self {
        let levels: Vec<_> = (0..levels.max(1) as u32)
            .map(|n| {
                let part = |side: usize| {
                    side.div_ceil(1usize.checked_shl(n).unwrap_or(usize::MAX))
                        .max(1)
                };
                Level {
                    width: part(width),
                    columns: enlarge(part(width), width),
                    rows: enlarge(part(height), height),
                }
            })
            .collect();
        let len = levels.iter().map(Level::len).sum();
        Self { width, levels, len }
    }

    /// Number of parameters of a plane.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn plane(&self, parameters: &[f32], plane: &mut [f32]) {
        plane.fill(0.0);
        let mut rest = parameters;
        for level in &self.levels {
            let (small, behind) = rest.split_at(level.len());
            rest = behind;
            for (row, out) in level
                .rows
                .iter()
                .zip(plane.chunks_exact_mut(self.width.max(1)))
            {
                let upper = &small[row.first * level.width..][..level.width];
                let lower = &small[row.second * level.width..][..level.width];
                for (place, out) in level.columns.iter().zip(out) {
                    let mix = |line: &[f32]| {
                        line[place.first] + place.share * (line[place.second] - line[place.first])
                    };
                    *out += mix(upper) + row.share * (mix(lower) - mix(upper));
                }
            }
        }
    }

    pub fn gradient(&self, plane: &[f32], gradient: &mut [f32]) {
        gradient.fill(0.0);
        let mut rest = gradient;
        for level in &self.levels {
            let (small, behind) = rest.split_at_mut(level.len());
            rest = behind;
            for (row, given) in level.rows.iter().zip(plane.chunks_exact(self.width.max(1))) {
                for (line, by_row) in [(row.first, 1.0 - row.share), (row.second, row.share)] {
                    let line = &mut small[line * level.width..][..level.width];
                    for (place, g) in level.columns.iter().zip(given) {
                        line[place.first] += by_row * (1.0 - place.share) * g;
                        line[place.second] += by_row * place.share * g;
                    }
                }
            }
        }
    }
}

impl Level {
    fn len(&self) -> usize {
        self.width * self.rows.last().map_or(0, |r| r.second + 1)
    }
}

/// Where the pixels of a side of `large` lie among `small` ones: pixel centres at halves, the border continued.
fn enlarge(small: usize, large: usize) -> Vec<Place> {
    (0..large)
        .map(|i| {
            let at = (i as f64 + 0.5) * small as f64 / large as f64 - 0.5;
            let at = at.clamp(0.0, (small - 1) as f64);
            let first = at as usize;
            Place {
                first,
                second: small - 1,
                share: (at - first as f64) as f32,
            }
        })
        .map(|place| Place {
            second: (place.first + 1).min(place.second),
            ..place
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torch.nn.functional.interpolate(mode="bilinear", align_corners=False) of 0..6 as 2 x 3 to 3 x 5 (torch 2.15),
    /// exported with tests/reference/visualize_images.py; the finest level is zero.
    #[test]
    fn enlarges_as_pytorch() {
        let pyramid = Pyramid::new(5, 3, 2);
        assert_eq!(pyramid.len(), 15 + 6);
        let mut parameters = vec![0.0; 21];
        for (i, p) in parameters[15..].iter_mut().enumerate() {
            *p = i as f32;
        }
        let mut plane = vec![0.0; 15];
        pyramid.plane(&parameters, &mut plane);
        let expected = [
            0.0, 0.4, 1.0, 1.6, 2.0, 1.5, 1.9, 2.5, 3.1, 3.5, 3.0, 3.4, 4.0, 4.6, 5.0,
        ];
        for (got, expected) in plane.iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{plane:?}");
        }
    }

    #[test]
    fn levels_add_up() {
        let pyramid = Pyramid::new(4, 4, 3);
        assert_eq!(pyramid.len(), 16 + 4 + 1);
        let mut plane = vec![0.0; 16];
        pyramid.plane(&[1.0; 21], &mut plane);
        assert_eq!(plane, [3.0; 16]);
        // More levels than halvings: they stay at one pixel.
        assert_eq!(Pyramid::new(2, 2, 70).len(), 4 + 69);
    }
}

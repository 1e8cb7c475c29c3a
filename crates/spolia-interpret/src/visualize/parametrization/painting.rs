//! An image on its way: parameters, planes, colours.

use super::{Kind, Parametrization};
use crate::visualize::colour::Colour;

/// Parameters and the RGB image that they make.
pub struct Painting {
    parametrization: Parametrization,
    colour: Colour,
    parameters: Vec<f32>,
    rgb: Vec<f32>,
}

impl Painting {
    /// The first image of stream `item` of `seed`.
    #[must_use]
    pub fn new(
        kind: &Kind,
        colour: Colour,
        [width, height]: [usize; 2],
        seed: u64,
        item: u64,
    ) -> Self {
        let parametrization = Parametrization::new(kind, width, height);
        let [width, height] = parametrization.size();
        let mut painting = Self {
            parameters: parametrization.start(seed, item),
            rgb: vec![0.0; 3 * width * height],
            parametrization,
            colour,
        };
        painting.draw();
        painting
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.parametrization.size()
    }

    /// Red, green and blue planes in 0-1, behind each other.
    #[must_use]
    pub fn rgb(&self) -> &[f32] {
        &self.rgb
    }

    /// Rows x columns x 3, 8 bits, rounded to nearest.
    #[must_use]
    pub fn rgb8(&self) -> Vec<u8> {
        let len = self.rgb.len() / 3;
        (0..len)
            .flat_map(|i| [0, 1, 2].map(|c| (self.rgb[c * len + i] * 255.0).round() as u8))
            .collect()
    }

    /// Number of parameters.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// Changes the parameters by `step`, which gets them and the gradient with respect to them of what `rgb_gradient`
    /// is the gradient of, with respect to the RGB planes; then draws the image anew. `rgb_gradient` is overwritten.
    pub fn change(&mut self, rgb_gradient: &mut [f32], step: impl FnOnce(&mut [f32], &[f32])) {
        self.colour.gradient(&self.rgb, rgb_gradient);
        let mut gradient = vec![0.0; self.parameters.len()];
        self.parametrization
            .gradient(&self.parameters, rgb_gradient, &mut gradient);
        step(&mut self.parameters, &gradient);
        self.draw();
    }

    fn draw(&mut self) {
        self.parametrization.planes(&self.parameters, &mut self.rgb);
        self.colour.to_rgb(&mut self.rgb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visualize::{Adam, colour::ColourStatistics, photograph::photograph};

    /// Mean absolute error after 1,000 steps of Adam .05 on half the squared error.
    fn fitted(kind: &Kind, colour: Colour, [width, height]: [usize; 2]) -> f64 {
        let target = photograph(width, height);
        let mut painting = Painting::new(kind, colour, [width, height], 5, 1);
        let mut adam = Adam::new(painting.len());
        let mut gradient = vec![0.0; target.len()];
        for _ in 0..1000 {
            for ((g, v), t) in gradient.iter_mut().zip(painting.rgb()).zip(&target) {
                *g = v - t;
            }
            painting.change(&mut gradient, |p, g| adam.step(p, g, 0.05));
        }
        let away = |(a, b): (&f32, &f32)| f64::from((a - b).abs());
        painting.rgb().iter().zip(&target).map(away).sum::<f64>() / target.len() as f64
    }

    /// Lucid's own test of a parametrization, for all that are free, of odd and even sizes.
    #[test]
    fn every_free_parametrization_fits_a_photograph() {
        let mut statistics = ColourStatistics::default();
        let photo = photograph(40, 40);
        let pixels = (0..1600).flat_map(|i| [0, 1, 2].map(|c| (255.0 * photo[c * 1600 + i]) as u8));
        statistics.add(&pixels.collect::<Vec<_>>());
        let own = statistics.colour().unwrap();
        for kind in [
            Kind::Fourier { decay: 1.0 },
            Kind::Pixels,
            Kind::Pyramid { levels: 4 },
        ] {
            for (colour, size) in [
                (Colour::LUCID, [48, 48]),
                (Colour::LUCID, [47, 33]),
                (Colour::PLAIN, [33, 40]),
                (own, [32, 45]),
            ] {
                let left = fitted(&kind, colour, size);
                assert!(
                    left < 0.01,
                    "{kind:?} {size:?} {colour:?}: mean error {left}"
                );
            }
        }
    }

    /// The gradient with respect to the parameters, through colours and planes, by differences.
    #[test]
    fn gradient_by_differences() {
        for kind in [Kind::Fourier { decay: 1.0 }, Kind::Pyramid { levels: 3 }] {
            let mut painting = Painting::new(&kind, Colour::LUCID, [7, 6], 3, 1);
            let weight: Vec<f32> = (0..126)
                .map(|i| ((i * 37 % 61) as f32 / 30.0) - 1.0)
                .collect();
            let value = |painting: &Painting| {
                painting
                    .rgb()
                    .iter()
                    .zip(&weight)
                    .map(|(&v, &w)| f64::from(v * w))
                    .sum::<f64>()
            };
            for i in (0..painting.len()).step_by(9) {
                let mut slope = 0.0;
                let mut moved = |d: f32| {
                    painting.change(&mut weight.clone(), |p, g| {
                        p[i] += d;
                        slope = f64::from(g[i]);
                    });
                    value(&painting)
                };
                let (up, down) = (moved(1e-2), moved(-2e-2));
                moved(1e-2); // back
                moved(0.0); // the gradient here
                let numeric = (up - down) / 2e-2;
                assert!(
                    (numeric - slope).abs() < 5e-3,
                    "{kind:?} {i}: {numeric} and {slope}"
                );
            }
        }
    }
}

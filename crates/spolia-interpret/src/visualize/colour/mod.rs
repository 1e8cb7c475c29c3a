//! Decorrelated colour, after Lucid's `to_valid_rgb`.
//!
//! The three planes of the parametrization are coordinates along the principal axes of natural images' colours; the
//! matrix C brings them to red, green and blue, and a sigmoid into 0-1: rgb = sigmoid(t C'). [`ColourStatistics`] gives
//! the axes of other images' colours, such as a study's patches.

mod statistics;

pub use statistics::ColourStatistics;

use crate::Error;

/// Square root of the colour covariance of ImageNet's images (Lucid), divided by its largest column norm .4619524:
/// rows red, green, blue.
const C: [[f32; 3]; 3] = {
    const N: f32 = 0.461_952_4;
    [
        [0.26 / N, 0.09 / N, 0.02 / N],
        [0.27 / N, 0.0, -0.05 / N],
        [0.27 / N, -0.09 / N, 0.03 / N],
    ]
};

/// The logistic function, to about 1e-7. Written out so that a whole plane is computed with vector instructions.
#[inline]
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    // exp(-x) = 2^k e^r with |r| <= ln 2 / 2 and a polynomial for e^r (Cephes' expf).
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it rounds to an integer
    let z = (-x).clamp(-87.0, 87.0);
    let shifted = z * std::f32::consts::LOG2_E + ROUND;
    let k = shifted - ROUND;
    let r = (z - k * 0.693_359_4) + k * 2.121_944_4e-4;
    let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r
        + 0.166_666_65)
        * r
        + 0.5;
    let e = p * r * r + r + 1.0;
    // The low bits of `shifted` hold k; 127 is the exponent of 1.
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    1.0 / (1.0 + e * power)
}

/// How three decorrelated planes t become red, green and blue: rgb = sigmoid(M t + o).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    matrix: [[f32; 3]; 3],
    offset: [f32; 3],
}

impl Colour {
    /// Natural images' colours (Lucid); planes of zeros are mid-gray.
    pub const LUCID: Self = Self {
        matrix: C,
        offset: [0.0; 3],
    };

    /// No decorrelation: the planes are the logits of red, green and blue.
    pub const PLAIN: Self = Self {
        matrix: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        offset: [0.0; 3],
    };

    /// From M (rows red, green, blue) and o.
    ///
    /// # Errors
    /// [`Error::Setting`] where a number is not finite or M has no inverse.
    pub fn new(matrix: [[f32; 3]; 3], offset: [f32; 3]) -> Result<Self, Error> {
        let colour = Self { matrix, offset };
        let finite = matrix
            .iter()
            .flatten()
            .chain(&offset)
            .all(|v| v.is_finite());
        if finite && colour.inverse().is_some() {
            return Ok(colour);
        }
        Err(Error::Setting {
            what: "the colour matrix",
            value: format!("{matrix:?}"),
            allowed: "finite numbers and three independent rows",
        })
    }

    /// M, rows red, green, blue.
    #[must_use]
    pub fn matrix(&self) -> [[f32; 3]; 3] {
        self.matrix
    }

    /// o, the logit of the colour that planes of zeros have.
    #[must_use]
    pub fn offset(&self) -> [f32; 3] {
        self.offset
    }

    /// Turns three decorrelated planes into red, green and blue planes in 0-1, in place. `planes` holds the first,
    /// second and third plane behind each other.
    pub fn to_rgb(&self, planes: &mut [f32]) {
        let (c, o) = (&self.matrix, self.offset);
        let len = planes.len() / 3;
        let (first, rest) = planes.split_at_mut(len);
        let (second, third) = rest.split_at_mut(len);
        let third = &mut third[..len];
        for i in 0..len {
            let t = [first[i], second[i], third[i]];
            let mix = |k: usize| sigmoid(c[k][0] * t[0] + c[k][1] * t[1] + c[k][2] * t[2] + o[k]);
            (first[i], second[i], third[i]) = (mix(0), mix(1), mix(2));
        }
    }

    /// The gradient with respect to the decorrelated planes from that with respect to red, green and blue, in place;
    /// `rgb` is what [`Colour::to_rgb`] made.
    pub fn gradient(&self, rgb: &[f32], planes: &mut [f32]) {
        let c = &self.matrix;
        let len = planes.len() / 3;
        let (first, rest) = planes.split_at_mut(len);
        let (second, third) = rest.split_at_mut(len);
        let (red, rest) = rgb.split_at(len);
        let (green, blue) = rest.split_at(len);
        let values = red.iter().zip(green).zip(blue);
        for (((x, y), z), ((&r, &g), &b)) in first.iter_mut().zip(second).zip(third).zip(values) {
            let d = [*x * r * (1.0 - r), *y * g * (1.0 - g), *z * b * (1.0 - b)];
            let mix = |axis: usize| c[0][axis] * d[0] + c[1][axis] * d[1] + c[2][axis] * d[2];
            (*x, *y, *z) = (mix(0), mix(1), mix(2));
        }
    }

    /// The planes that give these red, green and blue planes, in place: the inverse of [`Colour::to_rgb`]. Values are
    /// held between 1/512 and 511/512, where the logit is finite.
    pub fn to_planes(&self, rgb: &mut [f32]) {
        let Some(inverse) = self.inverse() else {
            return;
        };
        let len = rgb.len() / 3;
        let (red, rest) = rgb.split_at_mut(len);
        let (green, blue) = rest.split_at_mut(len);
        for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
            let l = [
                logit(*r) - self.offset[0],
                logit(*g) - self.offset[1],
                logit(*b) - self.offset[2],
            ];
            let mix = |k: usize| inverse[k][0] * l[0] + inverse[k][1] * l[1] + inverse[k][2] * l[2];
            (*r, *g, *b) = (mix(0), mix(1), mix(2));
        }
    }

    /// M's inverse by cofactors.
    fn inverse(&self) -> Option<[[f32; 3]; 3]> {
        let m = self.matrix.map(|row| row.map(f64::from));
        let minor = |i: usize, j: usize| {
            let (a, b, c, d) = ((i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3);
            m[a][c] * m[b][d] - m[a][d] * m[b][c]
        };
        let determinant: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
        if determinant.abs() < 1e-12 {
            return None;
        }
        Some([0, 1, 2].map(|i| [0, 1, 2].map(|j| (minor(j, i) / determinant) as f32)))
    }
}

/// The inverse of the logistic function, of a value held between 1/512 and 511/512.
fn logit(v: f32) -> f32 {
    let v = v.clamp(1.0 / 512.0, 511.0 / 512.0);
    (v / (1.0 - v)).ln()
}

/// [`Colour::to_rgb`] with natural images' colours.
pub fn to_rgb(planes: &mut [f32]) {
    Colour::LUCID.to_rgb(planes);
}

/// [`Colour::gradient`] with natural images' colours.
pub fn gradient(rgb: &[f32], planes: &mut [f32]) {
    Colour::LUCID.gradient(rgb, planes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lucid_values() {
        let mut planes = [1.0, 2.0, -1.0];
        to_rgb(&mut planes);
        for (got, expected) in planes.iter().zip([0.712_833_3, 0.666_569_97, 0.532_425_3]) {
            assert!((got - expected).abs() < 1e-6, "{got} instead of {expected}");
        }
    }

    #[test]
    fn sigmoid_against_double_precision() {
        for i in -4000..=4000 {
            let x = i as f32 / 100.0;
            let expected = 1.0 / (1.0 + (-f64::from(x)).exp());
            let got = f64::from(sigmoid(x));
            assert!(
                (got - expected).abs() < 2e-7,
                "sigmoid({x}) = {got} instead of {expected}"
            );
        }
        assert!(sigmoid(f32::MAX) == 1.0 && sigmoid(f32::MIN) < 1e-30);
    }

    #[test]
    fn gradient_by_differences() {
        let t = [0.4f32, -1.1, 0.7];
        let weight = [0.3f32, -0.8, 1.2];
        let value = |t: [f32; 3]| {
            let mut rgb = t;
            to_rgb(&mut rgb);
            rgb.iter()
                .zip(weight)
                .map(|(&v, w)| f64::from(v) * f64::from(w))
                .sum::<f64>()
        };
        let mut rgb = t;
        to_rgb(&mut rgb);
        let mut analytic = weight;
        gradient(&rgb, &mut analytic);
        for axis in 0..3 {
            let (mut up, mut down) = (t, t);
            up[axis] += 0.01;
            down[axis] -= 0.01;
            let numeric = (value(up) - value(down)) / f64::from(up[axis] - down[axis]);
            assert!(
                (numeric - f64::from(analytic[axis])).abs() < 1e-4,
                "{axis}: {numeric}, {}",
                analytic[axis]
            );
        }
    }

    #[test]
    fn there_and_back() {
        let colour = Colour::new(
            [[0.5, 0.2, 0.1], [0.5, -0.1, -0.3], [0.4, -0.3, 0.2]],
            [0.5, -0.3, 0.1],
        )
        .unwrap();
        let planes = [0.4f32, -1.1, 0.7];
        let mut back = planes;
        colour.to_rgb(&mut back);
        colour.to_planes(&mut back);
        for (got, expected) in back.iter().zip(planes) {
            assert!((got - expected).abs() < 1e-4, "{got} instead of {expected}");
        }
        let mut zero = [0.0; 3];
        colour.to_rgb(&mut zero);
        assert!((zero[0] - 1.0 / (1.0 + (-0.5f32).exp())).abs() < 1e-6);
        assert!(
            Colour::new(
                [[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 1.0]],
                [0.0; 3]
            )
            .is_err()
        );
    }
}

//! Decorrelated colour, after Lucid's `to_valid_rgb`.
//!
//! The three planes of the parametrization are coordinates along the principal axes of natural images' colours; the
//! matrix C brings them to red, green and blue, and a sigmoid into 0-1: rgb = sigmoid(t C').

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

/// Turns three decorrelated planes into red, green and blue planes in 0-1, in place. `planes` holds the first, second
/// and third plane behind each other.
pub fn to_rgb(planes: &mut [f32]) {
    let len = planes.len() / 3;
    let (first, rest) = planes.split_at_mut(len);
    let (second, third) = rest.split_at_mut(len);
    let third = &mut third[..len];
    for i in 0..len {
        let t = [first[i], second[i], third[i]];
        let mix = |row: &[f32; 3]| sigmoid(row[0] * t[0] + row[1] * t[1] + row[2] * t[2]);
        (first[i], second[i], third[i]) = (mix(&C[0]), mix(&C[1]), mix(&C[2]));
    }
}

/// The gradient with respect to the decorrelated planes from that with respect to red, green and blue, in place;
/// `rgb` is what [`to_rgb`] made.
pub fn gradient(rgb: &[f32], planes: &mut [f32]) {
    let len = planes.len() / 3;
    let (first, rest) = planes.split_at_mut(len);
    let (second, third) = rest.split_at_mut(len);
    let (red, rest) = rgb.split_at(len);
    let (green, blue) = rest.split_at(len);
    let values = red.iter().zip(green).zip(blue);
    for (((a, b), c), ((&r, &g), &u)) in first.iter_mut().zip(second).zip(third).zip(values) {
        let d = [*a * r * (1.0 - r), *b * g * (1.0 - g), *c * u * (1.0 - u)];
        let mix = |axis: usize| C[0][axis] * d[0] + C[1][axis] * d[1] + C[2][axis] * d[2];
        (*a, *b, *c) = (mix(0), mix(1), mix(2));
    }
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
}

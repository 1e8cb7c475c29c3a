//! Terms of a layer: value and gradient with respect to its activation.

use spolia_network::Tensor;

use super::{Term, batch};
use crate::Error;

/// Below this cosine a direction's weight does not fall further (Lucid).
const LEAST_COSINE: f64 = 0.1;
/// Added to the norms in the cosine (Lucid).
const EPSILON: f64 = 1e-4;

/// Adds `weight` times the term of each image to `values`, and the gradient of the sum over images to `gradient`.
pub(super) fn accumulate(
    term: &Term,
    weight: f64,
    activation: &Tensor,
    values: &mut [f64],
    gradient: &mut Tensor,
) -> Result<(), Error> {
    let [_, h, w, c] = activation.shape();
    let len = (h * w * c).max(1);
    let images = activation
        .data()
        .chunks_exact(len)
        .zip(gradient.data_mut().chunks_exact_mut(len))
        .zip(values.iter_mut());
    match term {
        Term::Channel { channel, .. } => {
            check("channel", *channel, c)?;
            for ((x, g), value) in images {
                let places = (*channel..len).step_by(c);
                let sum: f64 = places.clone().map(|i| f64::from(x[i])).sum();
                let share = weight / (h * w) as f64;
                *value += share * sum;
                places.for_each(|i| g[i] += share as f32);
            }
        }
        Term::Neuron { channel, at, .. } => {
            let [row, column] = at.unwrap_or([h / 2, w / 2]);
            check("channel", *channel, c)?;
            check("row", row, h)?;
            check("column", column, w)?;
            let i = (row * w + column) * c + channel;
            for ((x, g), value) in images {
                *value += weight * f64::from(x[i]);
                g[i] += weight as f32;
            }
        }
        Term::Direction { vector, power, .. } => {
            if vector.len() != c {
                return Err(Error::Shape {
                    what: "a direction".into(),
                    expected: format!("{c} channels"),
                    got: format!("{}", vector.len()),
                });
            }
            let share = weight / (h * w) as f64;
            for ((x, g), value) in images {
                for (x, g) in x.chunks_exact(c).zip(g.chunks_exact_mut(c)) {
                    *value += share * along(x, vector, *power, share, g);
                }
            }
        }
        Term::DeepDream { .. } => {
            let share = weight / len as f64;
            for ((x, g), value) in images {
                *value += share * x.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>();
                let slope = (2.0 * share) as f32;
                g.iter_mut().zip(x).for_each(|(g, x)| *g += slope * x);
            }
        }
        Term::Diversity { .. } => batch::diversity(weight, activation, values, gradient),
        Term::Alignment { .. } => batch::alignment(weight, activation, values, gradient),
        Term::TotalVariation | Term::L1 { .. } | Term::L2 { .. } | Term::Blur => {}
    }
    Ok(())
}

/// x·v max(.1, cos)^p at one position, and `share` times its gradient added to `gradient`.
fn along(x: &[f32], v: &[f32], power: f64, share: f64, gradient: &mut [f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    let product = dot(x, v);
    if power == 0.0 {
        let add = |(g, &v): (&mut f32, &f32)| *g += (share * f64::from(v)) as f32;
        gradient.iter_mut().zip(v).for_each(add);
        return product;
    }
    let (x_norm, v_norm) = (dot(x, x).sqrt(), dot(v, v).sqrt());
    let scale = (EPSILON + x_norm) * (EPSILON + v_norm);
    let cosine = product / scale;
    let floored = cosine.max(LEAST_COSINE);
    let factor = floored.powf(power);
    // d(product factor) = factor v + product power floored^(power - 1) dcos, where
    // dcos = v / scale - cos / (epsilon + |x|) x / |x| above the floor.
    let slope = if cosine > LEAST_COSINE {
        product * power * floored.powf(power - 1.0)
    } else {
        0.0
    };
    let by_v = share * (factor + slope / scale);
    let by_x = if x_norm > 0.0 {
        share * slope * cosine / (EPSILON + x_norm) / x_norm
    } else {
        0.0
    };
    for ((g, &x), &v) in gradient.iter_mut().zip(x).zip(v) {
        *g += (by_v * f64::from(v) - by_x * f64::from(x)) as f32;
    }
    product * factor
}

fn check(what: &str, index: usize, known: usize) -> Result<(), Error> {
    if index < known {
        return Ok(());
    }
    Err(Error::Shape {
        what: format!("{what} {index} of an objective"),
        expected: format!("an activation with more than {index}"),
        got: format!("{known}"),
    })
}

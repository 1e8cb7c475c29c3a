//! Objectives against automatic differentiation, exported with tests/reference/visualize_objectives.py, and against
//! finite differences.

#[path = "../../../tests/reference/inputs.rs"]
#[allow(dead_code)]
mod inputs;

use inputs::values;
use serde::Deserialize;
use spolia_interpret::{
    Error,
    visualize::objective::{Objective, Vectors},
};
use spolia_network::{Convention, Network, Tensor, inception_v3};

#[derive(Deserialize)]
struct Reference {
    shape: [usize; 4],
    image: [usize; 2],
    step: usize,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    objective: String,
    values: Option<Vec<f64>>,
    mean: Option<f64>,
    image: Option<f64>,
    gradient: Vec<f64>,
}

fn network() -> Network {
    inception_v3(Convention::Keras, Some(1))
}

fn parse(text: &str) -> Objective {
    let vectors = Vectors::from([("v".into(), values(42, 32))]);
    Objective::parse(text, &network(), &vectors).unwrap()
}

fn close(got: f64, expected: f64, what: &str) {
    assert!(
        (got - expected).abs() < 1e-5 * expected.abs().max(0.1),
        "{what}: {got} instead of {expected}"
    );
}

#[test]
fn values_and_gradients_are_those_of_automatic_differentiation() {
    let reference: Reference =
        serde_json::from_str(include_str!("visualize_objectives.json")).unwrap();
    let len = reference.shape.iter().product();
    let activation = Tensor::new(reference.shape, values(41, len)).unwrap();
    let [width, height] = reference.image;
    let planes: Vec<f32> = values(43, 3 * width * height)
        .iter()
        .map(|v| (v + 1.0) / 2.0)
        .collect();
    assert_eq!(reference.rows.len(), 14);
    for row in &reference.rows {
        let objective = parse(&row.objective);
        let mut gradient = vec![0.0; planes.len()];
        if let Some(expected) = row.image {
            let value = objective.on_image(&planes, width, height, &mut gradient);
            close(value, expected, &row.objective);
        } else {
            let (got, by_layer) = objective
                .on_layers(std::slice::from_ref(&activation))
                .unwrap();
            gradient = by_layer[0].data().to_vec();
            for (got, expected) in got.iter().zip(row.values.iter().flatten()) {
                close(*got, *expected, &row.objective);
            }
            let mean = got.iter().sum::<f64>() / got.len() as f64;
            if let Some(expected) = row.mean {
                close(mean, expected, &row.objective);
            }
        }
        assert_eq!(row.gradient.len(), gradient.len().div_ceil(reference.step));
        for (got, expected) in gradient.iter().step_by(reference.step).zip(&row.gradient) {
            close(f64::from(*got), *expected, &row.objective);
        }
    }
}

/// Identical images: diversity -1 for a pair (-2 for three, each like two others), alignment 0.
#[test]
fn identical_images() {
    let image = values(3, 4 * 5 * 32);
    let of = |n: usize| Tensor::new([n, 4, 5, 32], image.repeat(n)).unwrap();
    let mean = |text, n| {
        let (values, _) = parse(text).on_layers(&[of(n)]).unwrap();
        values.iter().sum::<f64>() / n as f64
    };
    assert!((mean("diversity(Conv2d_1a_3x3)", 2) + 1.0).abs() < 1e-12);
    assert!((mean("diversity(Conv2d_1a_3x3)", 3) + 2.0).abs() < 1e-12);
    assert_eq!(mean("diversity(Conv2d_1a_3x3)", 1), 0.0);
    assert_eq!(mean("alignment(Conv2d_1a_3x3)", 3), 0.0);
    // A silent layer has no direction: it is like nothing, and nothing pulls at it.
    let silent = Tensor::zeros([2, 1, 1, 32]);
    let (values, gradients) = parse("diversity(Conv2d_1a_3x3)")
        .on_layers(&[silent])
        .unwrap();
    assert_eq!(values, [0.0, 0.0]);
    assert!(gradients[0].data().iter().all(|&g| g == 0.0));
}

/// The parts of a batch's term belong to its images, and a sum is the sum of its terms.
#[test]
fn terms_add_up() {
    let activation = Tensor::new([3, 2, 3, 32], values(9, 576)).unwrap();
    let of = |text: &str| {
        parse(text)
            .on_layers(std::slice::from_ref(&activation))
            .unwrap()
    };
    let (sum, gradient) = of("2*diversity(Conv2d_1a_3x3) + channel(Conv2d_1a_3x3, 4)/2 + 3");
    let (diversity, by_diversity) = of("diversity(Conv2d_1a_3x3)");
    let (channel, by_channel) = of("channel(Conv2d_1a_3x3, 4)");
    for i in 0..3 {
        close(sum[i], 2.0 * diversity[i] + channel[i] / 2.0 + 3.0, "sum");
    }
    for (i, g) in gradient[0].data().iter().enumerate() {
        let expected = 2.0 * by_diversity[0].data()[i] + by_channel[0].data()[i] / 2.0;
        close(f64::from(*g), f64::from(expected), "gradient");
    }
    // Apart from terms that compare images, an image's part depends on that image alone.
    let alone = Tensor::new([1, 2, 3, 32], activation.image(1).to_vec()).unwrap();
    let (value, _) = parse("channel(Conv2d_1a_3x3, 4)")
        .on_layers(&[alone])
        .unwrap();
    assert_eq!(value[0], channel[1]);
}

/// Steps along the gradient by finite differences, for every term that has an exact one.
#[test]
fn gradients_by_differences() {
    for text in [
        "direction(Conv2d_1a_3x3, v, 3)",
        "diversity(Conv2d_1a_3x3)",
        "alignment(Conv2d_1a_3x3)",
        "deepdream(Conv2d_1a_3x3)",
    ] {
        let objective = parse(text);
        let x = values(5, 2 * 2 * 2 * 32);
        let at = |x: Vec<f32>| {
            let tensor = Tensor::new([2, 2, 2, 32], x).unwrap();
            let (values, gradients) = objective.on_layers(&[tensor]).unwrap();
            (values.iter().sum::<f64>(), gradients[0].data().to_vec())
        };
        let (_, gradient) = at(x.clone());
        for i in (0..x.len()).step_by(11) {
            let moved = |d: f32| {
                let mut x = x.clone();
                x[i] += d;
                at(x).0
            };
            let numeric = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            assert!(
                (numeric - f64::from(gradient[i])).abs() < 1e-4,
                "{text} at {i}: {numeric} and {}",
                gradient[i]
            );
        }
    }
}

#[test]
fn activations_that_do_not_fit() {
    let small = Tensor::zeros([1, 2, 2, 32]);
    let error = |text: &str| {
        parse(text)
            .on_layers(std::slice::from_ref(&small))
            .unwrap_err()
    };
    let row = error("neuron(Conv2d_1a_3x3, 0, 2, 0)");
    assert_eq!(
        row.to_string(),
        "row 2 of an objective: expected an activation with more than 2, got 2"
    );
    assert!(matches!(
        error("channel(Mixed_5b, 40)"),
        Error::Shape { .. }
    ));
    assert!(matches!(
        error("channel(Mixed_5b, 4) + channel(Mixed_5c, 4)"),
        Error::Shape { .. }
    ));
}

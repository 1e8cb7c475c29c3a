//! Class activation maps of a toy network with weights set by hand.

use spolia_interpret::{
    Error,
    attention::{Method, maps},
};
use spolia_network::{Convention, Frozen, Objective, ReluGradient, StageId, Tensor, inception_v3};

/// The activation is the image itself (three channels).
struct Head;

/// Logits = matrix times the channels' sums over rows and columns.
struct Tail(Vec<[f32; 3]>);

impl Frozen for Head {
    fn forward(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
    ) -> Result<Vec<Tensor>, spolia_network::Error> {
        Ok(taps.iter().map(|_| input.clone()).collect())
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        _: &[StageId],
        _: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, spolia_network::Error> {
        Ok(objective(std::slice::from_ref(input)).remove(0))
    }
}

impl Frozen for Tail {
    fn forward(
        &mut self,
        input: &Tensor,
        _: &[StageId],
    ) -> Result<Vec<Tensor>, spolia_network::Error> {
        let n = input.shape()[0];
        let mut data = Vec::new();
        for i in 0..n {
            for row in &self.0 {
                data.push(
                    input
                        .image(i)
                        .chunks_exact(3)
                        .map(|p| (0..3).map(|c| row[c] * p[c]).sum::<f32>())
                        .sum(),
                );
            }
        }
        Ok(vec![Tensor::new([n, 1, 1, self.0.len()], data)?])
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        _: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, spolia_network::Error> {
        let gradient = objective(&self.forward(input, taps)?);
        let mut out = input.clone();
        let pixels = input.shape()[1] * input.shape()[2];
        for (at, pixel) in out.data_mut().chunks_exact_mut(3).enumerate() {
            let g = gradient[0].image(at / pixels);
            for (c, v) in pixel.iter_mut().enumerate() {
                *v = self.0.iter().zip(g).map(|(row, g)| row[c] * g).sum();
            }
        }
        Ok(out)
    }
}

fn stages() -> [StageId; 2] {
    let network = inception_v3(Convention::Keras, Some(1));
    [
        network.stage("Mixed_7c").unwrap(),
        network.stage("logits").unwrap(),
    ]
}

/// Two images of 1 x 2 pixels.
fn images() -> Tensor {
    Tensor::new(
        [2, 1, 2, 3],
        vec![1.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 3.0, 1.0, 1.0, 0.0],
    )
    .unwrap()
}

#[test]
fn one_logit_has_two_classes() {
    let mut tail = Tail(vec![[1.0, -1.0, 0.5]]);
    let tumor = maps(&mut Head, &mut tail, stages(), &images(), 1, &Method::ALL).unwrap();
    assert_eq!(
        tumor.iter().map(|a| a.logits[0]).collect::<Vec<_>>(),
        [-1.0, 1.5]
    );
    let p = 1.0 / (1.0 + (-1.5f32).exp());
    assert!(
        (tumor[1].probabilities[1] - p).abs() < 1e-6
            && (tumor[1].probabilities[0] + p - 1.0).abs() < 1e-6
    );
    // Grad-CAM weights are the gradients 1, -1, .5 themselves.
    assert_eq!(tumor[0].maps[0].values, [1.0, 0.0]);
    assert_eq!(tumor[1].maps[0].values, [1.5, 0.0]);
    // Grad-CAM++: channel sums of image 0 are 1, 2, 0: weights 2/(2+1) and 2 * .5/2, none for the negative gradient.
    assert!((tumor[0].maps[1].values[0] - 2.0 / 3.0).abs() < 1e-6);
    assert_eq!(tumor[0].maps[1].values[1], 0.0);

    let normal = maps(
        &mut Head,
        &mut tail,
        stages(),
        &images(),
        0,
        &[Method::GradCam],
    )
    .unwrap();
    assert_eq!(normal[0].maps[0].values, [0.0, 2.0]);
    assert_eq!(normal[0].logits, tumor[0].logits);
    let error = maps(
        &mut Head,
        &mut tail,
        stages(),
        &images(),
        2,
        &[Method::GradCam],
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no class 2: a network with 1 logit(s) tells 2 classes apart, from 0"
    );
}

#[test]
fn several_logits() {
    let mut tail = Tail(vec![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
    let found = maps(
        &mut Head,
        &mut tail,
        stages(),
        &images(),
        2,
        &[Method::GradCam],
    )
    .unwrap();
    assert_eq!(found[1].maps[0].values, [3.0, 0.0]);
    assert!((found[1].probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    let refused = maps(
        &mut Head,
        &mut tail,
        stages(),
        &images(),
        3,
        &[Method::GradCam],
    );
    assert!(matches!(
        refused,
        Err(Error::UnknownClass {
            class: 3,
            logits: 3,
            classes: 3
        })
    ));
}

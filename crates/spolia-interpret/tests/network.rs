//! The methods on InceptionV3 with random weights and the CPU engine.

use spolia_interpret::{
    attention::{Method, maps},
    visualize::{Preset, Settings, render},
};
use spolia_network::{
    Convention, Cpu, Cut, Engine, Initialisation, Tensor, inception_v3, initialise,
};

#[test]
fn images_excite_their_channels_more_and_repeat() {
    let network = inception_v3(Convention::Keras, None);
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let layer = network.stage("Conv2d_2b_3x3").unwrap();
    for preset in Preset::ALL {
        let settings = Settings {
            size: 75,
            preset,
            steps: Some(28),
            seed: 3,
        };
        let make = || {
            render(
                &Cpu,
                &network,
                &weights,
                layer,
                &[0, 5],
                &settings,
                &mut |_| true,
            )
            .unwrap()
        };
        let images = make();
        for image in &images {
            let (first, last) = (image.curve[0], image.curve[27]);
            assert!(
                image.dead || last > first,
                "{} channel {}: {first} to {last}",
                preset.name(),
                image.channel
            );
        }
        assert!(
            images.iter().any(|i| !i.dead),
            "the test needs a living channel"
        );
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .unwrap();
        assert_eq!(pool.install(make), images);
    }
}

/// The tail after Mixed_7c is a mean and a linear layer, so the gradient is the linear layer's weight over the number
/// of positions, and Grad-CAM's map sums to the logit's positive part where no position is negative.
#[test]
fn grad_cam_of_the_last_layer_follows_the_linear_layer() {
    let network = inception_v3(Convention::Keras, Some(1));
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let layer = network.stage("Mixed_7c").unwrap();
    let logits = network.last();
    let engine = Cpu;
    let mut head = engine.frozen(&network, &weights, Cut::to(layer)).unwrap();
    let mut tail = engine
        .frozen(&network, &weights, Cut::between(layer, logits))
        .unwrap();
    let pixels = (0..2 * 107 * 107 * 3)
        .map(|i| ((i * 7919 % 1013) as f32 / 506.5) - 1.0)
        .collect();
    let images = Tensor::new([2, 107, 107, 3], pixels).unwrap();
    let found = maps(
        head.as_mut(),
        tail.as_mut(),
        [layer, logits],
        &images,
        1,
        &[Method::GradCam, Method::GradCamPlusPlus],
    )
    .unwrap();

    let activation = head.forward(&images, &[layer]).unwrap().remove(0);
    let [_, height, width, channels] = activation.shape();
    let fc = weights.get("fc.weight").unwrap();
    let bias = weights.get("fc.bias").unwrap().data[0];
    let positions = (height * width) as f64;
    for (i, attention) in found.iter().enumerate() {
        let map = &attention.maps[0];
        assert_eq!((map.height, map.width), (height, width));
        let mut logit = f64::from(bias);
        for (pixel, &value) in activation.image(i).chunks_exact(channels).zip(&map.values) {
            let sum: f64 = pixel
                .iter()
                .zip(&fc.data)
                .map(|(&a, &w)| f64::from(a) * f64::from(w))
                .sum::<f64>()
                / positions;
            logit += sum;
            assert!(
                (f64::from(value) - sum.max(0.0)).abs() < 1e-4 * (1.0 + sum.abs()),
                "{value} instead of {sum}"
            );
        }
        assert!((f64::from(attention.logits[0]) - logit).abs() < 1e-3 * (1.0 + logit.abs()));
        assert!(attention.maps[1].values.iter().all(|v| v.is_finite()));
    }
}

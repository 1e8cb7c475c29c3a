//! Do the engines, as compiled and dispatched here, compute what PyTorch computes?

use spolia_network::weights::{starter, starter_path};
use spolia_network::{Convention, Cpu, Cut, Device, Engine, Error, Tensor, inception_v3};

use super::{Finding, State, good};

/// A stage, the root mean square of its channels' spatial means, and the means of channels k C / 8. Exported by
/// tests/reference/doctor.py: starter weights, a 75 px image of ramps, PyTorch in float64.
const EXPECTED: [(&str, f64, [f64; 8]); 3] = [
    (
        "Conv2d_2b_3x3",
        1.5137534,
        [
            1.1664526,
            0.57434816,
            0.24973555,
            2.7507540,
            1.3435227,
            8.5259095e-3,
            5.0350483,
            0.29396295,
        ],
    ),
    (
        "Mixed_5b",
        1.7573796,
        [
            2.9679525,
            1.0179574,
            1.1612904,
            2.4035166,
            0.37257447,
            1.0556641,
            5.2294222e-2,
            0.30544628,
        ],
    ),
    (
        "Mixed_6a",
        1.0343151,
        [
            0.50824767, 1.4774478, 0.0, 0.43013298, 0.51860548, 2.6958852, 0.0, 0.59964864,
        ],
    ),
];
/// What differs by more, relative to the root mean square, is wrong rather than rounded.
const TOLERANCE: f64 = 1e-4;

/// The engine of the processor, those of the devices, and what `--device auto` would choose.
pub(super) fn engines() -> Vec<Finding> {
    let mut findings = vec![engine("engine", &Cpu, None)];
    for (device, check) in [(Device::Cuda, "cuda"), (Device::Wgpu, "wgpu")] {
        findings.push(match device.engine() {
            Ok(found) => engine(check, &*found, Some(found.description())),
            Err(Error::NotBuilt { .. }) => {
                good(check, format!("not in this build (feature `{check}`)"))
            }
            Err(Error::NoDevice { reason, .. }) => good(check, format!("no device: {reason}")),
            Err(error) => Finding {
                check,
                state: State::Broken,
                detail: error.to_string(),
                remedy: "see the reason; --device cpu works without it",
            },
        });
    }
    findings.push(good("--device auto", Device::automatic().name()));
    findings
}

/// Runs the starter weights on a known image.
fn engine(check: &'static str, engine: &dyn Engine, hardware: Option<String>) -> Finding {
    let hardware = hardware.map_or(String::new(), |name| format!("{name}, "));
    if let Err(error) = starter_path() {
        return Finding {
            check,
            state: State::Slow,
            detail: format!("{hardware}not checked: {error}"),
            remedy: "the starter weights come with the repository; put them back to check the engine",
        };
    }
    match difference(engine) {
        Ok(worst) if worst < TOLERANCE => good(
            check,
            format!("{hardware}agrees with PyTorch within {worst:.0e} of the activations"),
        ),
        Ok(worst) => Finding {
            check,
            state: State::Broken,
            detail: format!("{hardware}differs from PyTorch by {worst:.1e} of the activations"),
            remedy: "this build computes wrongly on this processor; build it again or report it",
        },
        Err(error) => Finding {
            check,
            state: State::Broken,
            detail: error.to_string(),
            remedy: "see the reason; put the starter weights back, or build again",
        },
    }
}

/// The largest difference, relative to the root mean square of the stage.
fn difference(engine: &dyn Engine) -> Result<f64, Error> {
    let weights = starter()?;
    let network = inception_v3(Convention::Keras, None);
    let stages = EXPECTED
        .iter()
        .map(|(name, ..)| network.stage(name))
        .collect::<Result<Vec<_>, _>>()?;
    let side = network.least_side();
    let pixels: Vec<u8> = (0..side * side * 3)
        .map(|i| ((3 * (i / 3 % side) + 2 * (i / 3 / side) + 40 * (i % 3)) % 256) as u8)
        .collect();
    let image = Tensor::from_rgb8(&[pixels.as_slice()], side, side)?;
    let last = stages.iter().max().copied().unwrap_or(network.last());
    let mut head = engine.frozen(&network, &weights, Cut::to(last))?;
    let taps = head.forward(&image, &stages)?;
    let mut worst: f64 = 0.0;
    for ((_, scale, expected), tap) in EXPECTED.iter().zip(&taps) {
        let means = &tap.spatial_mean()[0];
        for (k, expected) in expected.iter().enumerate() {
            let found = f64::from(means[k * (means.len() / 8)]);
            worst = worst.max((found - expected).abs() / scale);
        }
    }
    Ok(worst)
}

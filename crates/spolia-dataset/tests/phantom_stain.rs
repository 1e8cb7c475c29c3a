//! How near Macenko's estimate on one patch comes to the stains that a phantom was drawn with.

use spolia_measure::stain::{StainBasis, StainOptions};
use spolia_slide::phantom;

fn degrees(a: [f64; 3], b: [f32; 3]) -> f64 {
    let b = b.map(f64::from);
    let dot = |x: &[f64; 3], y: &[f64; 3]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    (dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt())
        .acos()
        .to_degrees()
}

/// The bounds are what the method does here, not what one would wish: the estimate is torchstain's
/// to 1e-6, but a patch of 224 px has hardly a pixel of one stain alone (eosin above all), and the
/// outermost of its pixels then lie inside of the true stains.
#[test]
fn stain_vectors_of_a_phantom_are_recovered() {
    let (mut worst, mut sum, mut count) = ([0.0f64; 2], [0.0; 2], 0.0);
    for spec in phantom::cohort(5, 5, 4, 224, 3).expect("a cohort") {
        let (image, truth) = phantom::patch(&spec, 3).expect("a patch");
        let basis = StainBasis::estimate(image.as_raw(), 224, 224, &StainOptions::default())
            .unwrap_or_else(|e| panic!("{}: {e}", spec.id));
        let found = [
            degrees(basis.haematoxylin, truth.stains.hematoxylin),
            degrees(basis.eosin, truth.stains.eosin),
        ];
        for k in 0..2 {
            worst[k] = worst[k].max(found[k]);
            sum[k] += found[k];
        }
        count += 1.0;
    }
    let mean = sum.map(|sum| sum / count);
    assert!(mean[0] < 3.0 && mean[1] < 5.0, "mean {mean:?}");
    assert!(worst[0] < 6.0 && worst[1] < 12.0, "worst {worst:?}");
}

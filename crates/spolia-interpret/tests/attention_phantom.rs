//! Images in which one dark disc decides the label, and a network made by hand that sees only darkness.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use spolia_interpret::attention::{
    Map, Method, Options, Path, centre_map,
    faithfulness::{Settings, faithfulness},
    localization::{Localization, Region, localization},
    mean_over_groups, random_map,
    sanity::similarity,
};
use spolia_network::{
    Convention, Error, Frozen, Objective, ReluGradient, StageId, Tensor, inception_v3,
};

const SIDE: usize = 64;
const CELL: usize = 4;
const GRID: usize = SIDE / CELL;
/// Channels of the head: dark, bright, red.
const CHANNELS: usize = 3;

/// Means over cells of 4 x 4 pixels, then a matrix and a ReLU: relu(offset + weights * mean).
struct Head {
    weights: [[f32; 3]; CHANNELS],
    offsets: [f32; CHANNELS],
}

impl Head {
    /// Dark where the mean of the colours is below -.2, bright where it is above .2, red where red exceeds green.
    fn trained() -> Self {
        Self {
            weights: [[-1.0; 3], [1.0; 3], [2.0, -2.0, 0.0]],
            offsets: [-0.6, -0.6, 0.0],
        }
    }

    fn random(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        Self {
            weights: std::array::from_fn(|_| std::array::from_fn(|_| rng.random_range(-1.0..1.0))),
            offsets: [0.3; CHANNELS],
        }
    }

    /// Before the ReLU, N x 16 x 16 x 3.
    fn linear(&self, input: &Tensor) -> Result<Tensor, Error> {
        let n = input.shape()[0];
        let mut out = Tensor::zeros([n, GRID, GRID, CHANNELS]);
        let scale = 1.0 / (CELL * CELL) as f32;
        for (at, cell) in out.data_mut().chunks_exact_mut(CHANNELS).enumerate() {
            let (i, row, column) = (at / (GRID * GRID), at / GRID % GRID, at % GRID);
            cell.copy_from_slice(&self.offsets);
            for y in 0..CELL {
                for x in 0..CELL {
                    let pixel = ((row * CELL + y) * SIDE + column * CELL + x) * 3;
                    let colours = &input.image(i)[pixel..pixel + 3];
                    for (k, v) in cell.iter_mut().enumerate() {
                        for (w, c) in self.weights[k].iter().zip(colours) {
                            *v += scale * w * c;
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}

impl Frozen for Head {
    fn forward(&mut self, input: &Tensor, taps: &[StageId]) -> Result<Vec<Tensor>, Error> {
        let mut out = self.linear(input)?;
        out.data_mut().iter_mut().for_each(|v| *v = v.max(0.0));
        Ok(taps.iter().map(|_| out.clone()).collect())
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        _: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, Error> {
        let linear = self.linear(input)?;
        let gradient = objective(&self.forward(input, taps)?).remove(0);
        let mut out = input.clone();
        let scale = 1.0 / (CELL * CELL) as f32;
        for (at, pixel) in out.data_mut().chunks_exact_mut(3).enumerate() {
            let (i, y, x) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
            let cell = ((y / CELL) * GRID + x / CELL) * CHANNELS;
            for (c, slot) in pixel.iter_mut().enumerate() {
                *slot = (0..CHANNELS)
                    .filter(|k| linear.image(i)[cell + k] > 0.0)
                    .map(|k| scale * self.weights[k][c] * gradient.image(i)[cell + k])
                    .sum();
            }
        }
        Ok(out)
    }
}

/// One logit: the sum over the grid of the channels weighed, less an offset.
struct Tail([f32; CHANNELS]);

impl Frozen for Tail {
    fn forward(&mut self, input: &Tensor, _: &[StageId]) -> Result<Vec<Tensor>, Error> {
        let n = input.shape()[0];
        let logits = (0..n)
            .map(|i| {
                let cells = input.image(i).chunks_exact(CHANNELS);
                let sum = cells.map(|c| c.iter().zip(self.0).map(|(v, w)| v * w).sum::<f32>());
                sum.sum::<f32>() / 4.0 - 3.0
            })
            .collect();
        Ok(vec![Tensor::new([n, 1, 1, 1], logits)?])
    }

    fn input_gradient(
        &mut self,
        input: &Tensor,
        taps: &[StageId],
        _: ReluGradient,
        objective: &mut Objective<'_>,
    ) -> Result<Tensor, Error> {
        let gradient = objective(&self.forward(input, taps)?).remove(0);
        let mut out = input.clone();
        let cells = GRID * GRID;
        for (at, cell) in out.data_mut().chunks_exact_mut(CHANNELS).enumerate() {
            for (v, w) in cell.iter_mut().zip(self.0) {
                *v = w * gradient.data()[at / cells] / 4.0;
            }
        }
        Ok(out)
    }
}

fn path(head: Head, tail: Tail) -> Path {
    let network = inception_v3(Convention::Keras, Some(1));
    let ends = vec![
        network.stage("Mixed_7c").unwrap(),
        network.stage("logits").unwrap(),
    ];
    Path::from_cuts(vec![Box::new(head), Box::new(tail)], ends).unwrap()
}

/// The trained network: dark cells raise the logit, bright and red ones hardly matter.
fn trained() -> Path {
    path(Head::trained(), Tail([3.0, -0.02, 0.05]))
}

/// A pink image with noise, three reddish discs and one dark disc; and the mask of the dark one.
fn phantom(seed: u64) -> (Tensor, Region) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut discs: Vec<(f64, f64, f64)> = Vec::new();
    while discs.len() < 4 {
        let radius = rng.random_range(5.0..8.0);
        let mut along = || rng.random_range(9.0..SIDE as f64 - 9.0);
        let (x, y) = (along(), along());
        if discs
            .iter()
            .all(|d| (d.0 - x).hypot(d.1 - y) > d.2 + radius + 2.0)
        {
            discs.push((x, y, radius));
        }
    }
    let mut data = Vec::with_capacity(SIDE * SIDE * 3);
    let mut inside = Vec::with_capacity(SIDE * SIDE);
    for pixel in 0..SIDE * SIDE {
        let (x, y) = ((pixel % SIDE) as f64, (pixel / SIDE) as f64);
        let disc = discs.iter().position(|d| (d.0 - x).hypot(d.1 - y) <= d.2);
        inside.push(disc == Some(0));
        let colour = match disc {
            Some(0) => [-0.5, -0.7, -0.3],
            Some(_) => [0.7, 0.1, 0.3],
            None => [0.7, 0.4, 0.6],
        };
        data.extend(colour.map(|c: f32| c + rng.random_range(-0.1f32..0.1)));
    }
    (
        Tensor::new([1, SIDE, SIDE, 3], data).unwrap(),
        Region::new(inside, SIDE, SIDE, 0.0).unwrap(),
    )
}

fn options() -> Options {
    Options {
        window: 12,
        stride: 4,
        ..Options::default()
    }
}

/// Every method's map of 40 phantoms, judged.
fn judged(path: &mut Path, method: Method) -> Vec<Localization> {
    (0..40)
        .map(|seed| {
            let (image, region) = phantom(seed);
            let found = path.maps(&image, 1, &[method], &options()).unwrap();
            localization(&found[0].maps[0], &region).unwrap().unwrap()
        })
        .collect()
}

#[test]
fn every_method_that_sees_the_class_finds_the_disc() {
    let groups: Vec<usize> = (0..40).collect();
    let mut path = trained();
    for method in Method::ALL {
        if method == Method::EigenCam {
            continue; // It looks at no class.
        }
        let found = judged(&mut path, method);
        let of = |measure: fn(&Localization) -> f64| {
            let values: Vec<f64> = found.iter().map(measure).collect();
            mean_over_groups(&values, &groups, 500, 0.95, 1).unwrap()
        };
        // Score-CAM's softmax gives channels similar weights where their logits differ little.
        let (least, least_auc) = if method == Method::ScoreCam {
            (0.7, 0.0)
        } else {
            (0.95, 0.7)
        };
        let pointing = of(|l| l.pointing);
        assert!(pointing.mean >= least, "{}: {pointing:?}", method.name());
        assert!(pointing.interval.unwrap().low >= least - 0.15);
        assert!(
            of(|l| l.enrichment).mean > 5.0 && of(|l| l.auc).mean > least_auc,
            "{}: {found:?}",
            method.name()
        );
    }
}

/// Maps that know nothing score what chance scores: the interval over images covers it.
#[test]
fn random_maps_are_chance() {
    let groups: Vec<usize> = (0..300).collect();
    let (mut found, mut chance) = (Vec::new(), [0f64; 5]);
    for seed in 0..300 {
        let (_, region) = phantom(seed);
        found.push(
            localization(&random_map(GRID, GRID, seed), &region)
                .unwrap()
                .unwrap(),
        );
        let values = region.chance().unwrap().values();
        chance
            .iter_mut()
            .zip(values)
            .for_each(|(c, v)| *c += v / 300.0);
    }
    for (measure, chance) in chance.into_iter().enumerate() {
        let values: Vec<f64> = found.iter().map(|l| l.values()[measure]).collect();
        let found = mean_over_groups(&values, &groups, 1000, 0.999, 1).unwrap();
        let interval = found.interval.unwrap();
        assert!(
            interval.low <= chance && chance <= interval.high,
            "{found:?}, chance {chance}"
        );
    }
}

#[test]
fn faithful_maps_beat_random_and_centred_ones() {
    let mut path = trained();
    let settings = Settings {
        steps: 16,
        ..Settings::default()
    };
    let mut sums = [[0f64; 4]; 3];
    for seed in 0..10 {
        let (image, _) = phantom(seed);
        let map = path
            .maps(&image, 1, &[Method::GradCam], &options())
            .unwrap()
            .remove(0)
            .maps
            .remove(0);
        let maps = [map, random_map(GRID, GRID, seed), centre_map(GRID, GRID)];
        for (sum, map) in sums.iter_mut().zip(&maps) {
            let found = faithfulness(&image, map, &settings, &mut |batch| {
                path.probabilities(batch, 1)
            })
            .unwrap()
            .measures;
            sum[0] += found.insertion / 10.0;
            sum[1] += found.deletion / 10.0;
            sum[2] += found.road / 10.0;
            sum[3] += found.sensitivity.unwrap() / 10.0;
        }
    }
    let [map, random, centre] = sums;
    for other in [random, centre] {
        assert!(map[0] > other[0] + 0.04, "{sums:?}");
        assert!(map[1] < other[1] - 0.04, "{sums:?}");
        assert!(map[2] > other[2] + 0.04, "{sums:?}");
        assert!(map[3] > other[3] + 0.4, "{sums:?}");
    }
    // Random pixels first or last: no gap, no correlation.
    assert!(random[2].abs() < 0.05 && random[3].abs() < 0.1, "{sums:?}");
}

/// Maps of networks with random weights are not those of the trained one; those of the trained one are.
#[test]
fn randomised_weights_change_the_maps() {
    let maps = |path: &mut Path| -> Vec<Map> {
        (0..20)
            .map(|seed| {
                let (image, _) = phantom(seed);
                let mut found = path
                    .maps(&image, 1, &[Method::HiResCam], &options())
                    .unwrap();
                found.remove(0).maps.remove(0)
            })
            .collect()
    };
    let of_trained = maps(&mut trained());
    let same = similarity(&of_trained, &maps(&mut trained())).unwrap();
    assert!((same.rho.unwrap() - 1.0).abs() < 1e-9 && same.compared == 20);
    let mut all = Vec::new();
    for seed in 0..8 {
        let mut random = path(Head::random(seed), Tail([1.0, -0.7, 0.4]));
        all.extend(similarity(&of_trained, &maps(&mut random)).unwrap().rho);
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!(all.len() >= 6 && mean < 0.5, "{all:?}");
}

/// Integrated gradients sum to the logit less the baseline's, and the hand-made gradient is right: finite differences.
#[test]
fn completeness_and_both_classes() {
    let mut path = trained();
    let (image, _) = phantom(3);
    let many = Options {
        steps: 64,
        ..options()
    };
    let white = Tensor::new([1, SIDE, SIDE, 3], vec![1.0; SIDE * SIDE * 3]).unwrap();
    for class in [0, 1] {
        let signed = path.integrated_gradients(&image, class, &many).unwrap();
        let sum: f64 = signed.data().iter().map(|&v| f64::from(v)).sum();
        let (whole, base) = (
            path.evidence(&image, class).unwrap()[0],
            path.evidence(&white, class).unwrap()[0],
        );
        assert!(
            (sum - (whole - base)).abs() < 0.02 * (whole - base).abs(),
            "{sum} instead of {}",
            whole - base
        );
    }
    let evidence = [0, 1].map(|class| path.evidence(&image, class).unwrap()[0]);
    assert_eq!(evidence[0], -evidence[1]);
    let probabilities = [0, 1].map(|class| path.probabilities(&image, class).unwrap()[0]);
    assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-6);
    assert!(path.evidence(&image, 2).is_err());
    assert!(
        path.maps(&image, 2, &[Method::Occlusion], &options())
            .is_err()
    );
}

//! Maps and scores of pytorch-grad-cam, captum, Quantus and SciPy, exported with tests/reference/attention/peers.py.

#[path = "../../../tests/reference/inputs.rs"]
mod inputs;

use inputs::{SIDE, images, weights};
use serde::Deserialize;
use spolia_interpret::attention::{
    Compat, Map, Method, Options, Path,
    faithfulness::{average_drop, impute},
    localization::{Region, localization},
    sanity::similarity,
};
use spolia_network::{Convention, Cpu, Network, StageId, Tensor, Weights, inception_v3};

#[derive(Deserialize)]
struct Reference {
    seed: u32,
    step: usize,
    maps: Vec<PeerMap>,
    fused: Fused,
    captum: Captum,
    score_cam: ScoreCam,
    drop: PeerDrop,
    imputed: Imputed,
    quantus: Quantus,
}

#[derive(Deserialize)]
struct PeerMap {
    layer: String,
    method: String,
    class: usize,
    shape: [usize; 2],
    values: [Vec<f64>; 2],
}

#[derive(Deserialize)]
struct Fused {
    #[serde(rename = "grad-cam")]
    grad_cam: [Vec<f64>; 2],
    #[serde(rename = "layer-cam")]
    layer_cam: [Vec<f64>; 2],
}

#[derive(Deserialize)]
struct Captum {
    integrated_gradients: [Vec<f64>; 2],
    integrated_gradients_sum: [f64; 2],
    occlusion: [Vec<f64>; 2],
    grad_cam_mixed_6e: [Vec<f64>; 2],
}

#[derive(Deserialize)]
struct ScoreCam {
    layer: String,
    shape: [usize; 2],
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct PeerDrop {
    change: [f64; 2],
    before: [f64; 2],
}

#[derive(Deserialize)]
struct Imputed {
    values: Vec<f64>,
    kept: Vec<u8>,
}

#[derive(Deserialize)]
struct Quantus {
    maps: Vec<Vec<f32>>,
    masks: Vec<Vec<u8>>,
    pointing: Vec<f64>,
    energy: Vec<f64>,
    top_share: Vec<f64>,
    auc: Vec<f64>,
    spearman: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("attention_peers.json")).unwrap()
}

/// The scripts' network.
fn network() -> (Network, Weights) {
    (inception_v3(Convention::Keras, Some(1)), weights())
}

fn path(layers: &[&str]) -> Path {
    let (network, weights) = network();
    let layers: Vec<StageId> = layers.iter().map(|l| network.stage(l).unwrap()).collect();
    Path::new(&Cpu, &network, &weights, &layers).unwrap()
}

/// Options in which the peers agree with spolia.
fn options() -> Options {
    Options {
        compat: Compat::PytorchGradCam,
        steps: 16,
        window: 40,
        stride: 20,
        ..Options::default()
    }
}

fn every(values: &[f32], width: usize, step: usize) -> Vec<f32> {
    let rows = values.chunks_exact(width).step_by(step);
    rows.flat_map(|row| row.iter().step_by(step).copied())
        .collect()
}

/// Correlation at least .9999, and no value off by more than `share` of the largest.
fn assert_agrees(what: &str, got: &[f32], want: &[f64], share: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0f64, |m, v| m.max(v.abs()));
    let n = want.len() as f64;
    let (mut a, mut b) = (0.0, 0.0);
    for (&g, &w) in got.iter().zip(want) {
        a += f64::from(g) / n;
        b += w / n;
        assert!(
            (f64::from(g) - w).abs() <= share * largest,
            "{what}: {g} instead of {w}, largest {largest}"
        );
    }
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (&g, &w) in got.iter().zip(want) {
        let (x, y) = (f64::from(g) - a, w - b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    if bb > 0.0 {
        let correlation = ab / (aa * bb).sqrt();
        assert!(correlation >= 0.9999, "{what}: correlation {correlation}");
    }
}

#[test]
fn maps_of_one_pass() {
    let want = reference();
    let images = images(want.seed, 2);
    for layer in ["Mixed_5d", "Mixed_6e", "Mixed_7c"] {
        let mut path = path(&[layer]);
        for class in [0, 1] {
            let peers: Vec<&PeerMap> = want
                .maps
                .iter()
                .filter(|m| m.layer == layer && m.class == class)
                .collect();
            assert!(peers.len() >= 5);
            let methods: Vec<Method> = peers.iter().map(|m| m.method.parse().unwrap()).collect();
            let found = path.maps(&images, class, &methods, &options()).unwrap();
            for (k, peer) in peers.iter().enumerate() {
                for (found, want) in found.iter().zip(&peer.values) {
                    let map = &found.maps[k];
                    assert_eq!([map.height, map.width], peer.shape);
                    let what = format!("{} at {layer}, class {class}", peer.method);
                    assert_agrees(&what, &map.values, want, 1e-3);
                }
            }
        }
    }
}

#[test]
fn several_layers_fused() {
    let want = reference();
    let mut path = path(&["Mixed_7c", "Mixed_5d", "Mixed_6e"]);
    assert_eq!(path.layers().len(), 3);
    let methods = [Method::GradCam, Method::LayerCam];
    let found = path
        .maps(&images(want.seed, 2), 1, &methods, &options())
        .unwrap();
    for (i, found) in found.iter().enumerate() {
        for (k, peer) in [&want.fused.grad_cam[i], &want.fused.layer_cam[i]]
            .into_iter()
            .enumerate()
        {
            let map = &found.maps[k];
            assert_eq!((map.height, map.width), (SIDE, SIDE));
            let got = every(&map.values, SIDE, want.step);
            assert_agrees(methods[k].name(), &got, peer, 1e-3);
        }
    }
}

#[test]
fn score_cam() {
    let want = reference();
    let found = path(&[&want.score_cam.layer])
        .maps(&images(want.seed, 1), 1, &[Method::ScoreCam], &options())
        .unwrap();
    let map = &found[0].maps[0];
    assert_eq!([map.height, map.width], want.score_cam.shape);
    let got = every(&map.values, map.width, want.step);
    assert_agrees("score-cam", &got, &want.score_cam.values, 1e-3);
}

#[test]
fn captum() {
    let want = reference();
    let images = images(want.seed, 2);
    let mut path = path(&["Mixed_6e"]);
    let gray = Options {
        baseline: [0.0; 3],
        ..options()
    };
    let signed = path.integrated_gradients(&images, 1, &gray).unwrap();
    for i in 0..2 {
        let sums: Vec<f32> = signed
            .image(i)
            .chunks_exact(3)
            .map(|c| c.iter().sum())
            .collect();
        let got = every(&sums, SIDE, want.step);
        assert_agrees(
            "integrated gradients",
            &got,
            &want.captum.integrated_gradients[i],
            0.01,
        );
        let total: f64 = signed.image(i).iter().map(|&v| f64::from(v)).sum();
        let peer = want.captum.integrated_gradients_sum[i];
        assert!((total - peer).abs() < 1e-3 * (1.0 + peer.abs()), "{total}");
    }
    let found = path.occlusion(&images, 1, &options()).unwrap();
    for (found, want_one) in found.iter().zip(&want.captum.occlusion) {
        let values: Vec<f32> = found.iter().map(|&v| v as f32).collect();
        assert_agrees(
            "occlusion",
            &every(&values, SIDE, want.step),
            want_one,
            1e-3,
        );
    }
    let found = path
        .maps(&images, 1, &[Method::GradCam], &Options::default())
        .unwrap();
    for (found, want) in found.iter().zip(&want.captum.grad_cam_mixed_6e) {
        assert_agrees("captum's Grad-CAM", &found.maps[0].values, want, 1e-3);
    }
}

#[test]
fn score_under_the_map() {
    let want = reference();
    let images = images(want.seed, 2);
    let mut path = path(&["Mixed_6e"]);
    let maps = path
        .maps(&images, 1, &[Method::GradCam], &options())
        .unwrap();
    for (i, found) in maps.iter().enumerate() {
        let image = Tensor::new([1, SIDE, SIDE, 3], images.image(i).to_vec()).unwrap();
        let found = average_drop(&image, &found.maps[0], &mut |batch| {
            path.probabilities(batch, 1)
        })
        .unwrap();
        assert!((found.before - want.drop.before[i]).abs() < 1e-4);
        let change = found.after - found.before;
        assert!(
            (change - want.drop.change[i]).abs() < 1e-4,
            "{change} instead of {}",
            want.drop.change[i]
        );
    }
}

#[test]
fn imputation() {
    let want = reference().imputed;
    let image = images(reference().seed, 1);
    let corner: Vec<f32> = (0..16)
        .flat_map(|y| image.image(0)[y * SIDE * 3..(y * SIDE + 16) * 3].to_vec())
        .collect();
    let removed: Vec<bool> = want.kept.iter().map(|&k| k == 0).collect();
    let found = impute(&corner, [16, 16], &removed, 0.0, 1).unwrap();
    for (got, want) in found.iter().zip(&want.values) {
        assert!((f64::from(*got) - want).abs() < 1e-5, "{got} not {want}");
    }
}

#[test]
fn localization_and_ranks() {
    let want = reference().quantus;
    let map = |i: usize| Map {
        height: 20,
        width: 20,
        values: want.maps[i].clone(),
    };
    for (i, mask) in want.masks.iter().enumerate() {
        let inside = mask.iter().map(|&m| m == 1).collect();
        let region = Region::new(inside, 20, 20, 0.0).unwrap();
        let found = localization(&map(i), &region).unwrap().unwrap();
        for (got, want) in [
            (found.pointing, want.pointing[i]),
            (found.energy, want.energy[i]),
            (found.top_share, want.top_share[i]),
            (found.auc, want.auc[i]),
        ] {
            assert!(
                (got - want).abs() < 1e-6,
                "map {i}: {got} instead of {want}"
            );
        }
    }
    for ((i, j), want) in [(0, 1), (1, 3), (0, 3)].into_iter().zip(&want.spearman) {
        let found = similarity(&[map(i)], &[map(j)]).unwrap();
        assert!((found.rho.unwrap() - want).abs() < 1e-6);
    }
}

//! Every method on InceptionV3: nothing of the network changes, and the same call gives the same bytes.

use std::hash::{DefaultHasher, Hash, Hasher};

use spolia_interpret::attention::{Method, Options, Path, maps, sanity};
use spolia_network::{
    Convention, Cpu, Cut, Engine, Initialisation, Tensor, Weights, inception_v3, initialise,
};

const SIDE: usize = 75;

fn images() -> Tensor {
    let pixels = (0..2 * SIDE * SIDE * 3)
        .map(|i| ((i * 7919 % 1013) as f32 / 506.5) - 1.0)
        .collect();
    Tensor::new([2, SIDE, SIDE, 3], pixels).unwrap()
}

fn hash(weights: &Weights) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (name, tensor) in &weights.tensors {
        name.hash(&mut hasher);
        tensor.shape.hash(&mut hasher);
        for v in &tensor.data {
            v.to_bits().hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn bits(found: &[spolia_interpret::attention::Attention]) -> Vec<u32> {
    let values = |a: &spolia_interpret::attention::Attention| {
        let maps = a.maps.iter().flat_map(|m| m.values.clone());
        maps.chain(a.logits.clone())
            .map(f32::to_bits)
            .collect::<Vec<_>>()
    };
    found.iter().flat_map(values).collect()
}

#[test]
fn weights_stay_and_bytes_repeat() {
    let network = inception_v3(Convention::Keras, Some(3));
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let before = hash(&weights);
    // Few channels for Score-CAM; the second layer makes the maps fused ones.
    let layers = ["Conv2d_1a_3x3", "Conv2d_2a_3x3"].map(|l| network.stage(l).unwrap());
    let options = Options {
        steps: 4,
        window: 40,
        stride: 35,
        ..Options::default()
    };
    let mut path = Path::new(&Cpu, &network, &weights, &layers).unwrap();
    let logits = path.evidence(&images(), 2).unwrap();
    let found = path.maps(&images(), 2, &Method::ALL, &options).unwrap();
    assert_eq!(hash(&weights), before);
    assert_eq!(path.evidence(&images(), 2).unwrap(), logits);
    for attention in &found {
        for (map, method) in attention.maps.iter().zip(Method::ALL) {
            assert_eq!((map.height, map.width), (SIDE, SIDE), "{}", method.name());
            assert!(map.values.iter().all(|v| v.is_finite() && *v >= 0.0));
        }
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let again = pool.install(|| {
        Path::new(&Cpu, &network, &weights, &layers)
            .unwrap()
            .maps(&images(), 2, &Method::ALL, &options)
            .unwrap()
    });
    assert_eq!(bits(&again), bits(&found));
}

/// The cuts of one layer by hand give what a path gives; wrong layers are refused.
#[test]
fn one_layer_two_ways() {
    let network = inception_v3(Convention::Keras, Some(1));
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let layer = network.stage("Mixed_6e").unwrap();
    let methods = [Method::LayerCam, Method::XGradCam, Method::EigenCam];
    let mut head = Cpu.frozen(&network, &weights, Cut::to(layer)).unwrap();
    let mut tail = Cpu
        .frozen(&network, &weights, Cut::between(layer, network.last()))
        .unwrap();
    let by_cuts = maps(
        head.as_mut(),
        tail.as_mut(),
        [layer, network.last()],
        &images(),
        0,
        &methods,
    )
    .unwrap();
    let mut path = Path::new(&Cpu, &network, &weights, &[layer, layer]).unwrap();
    assert_eq!(path.layers(), [layer]);
    let by_path = path
        .maps(&images(), 0, &methods, &Options::default())
        .unwrap();
    assert_eq!(by_cuts, by_path);
    assert!(Path::new(&Cpu, &network, &weights, &[]).is_err());
    assert!(Path::new(&Cpu, &network, &weights, &[network.last()]).is_err());
    let none = Options {
        batch: 0,
        ..Options::default()
    };
    assert!(path.maps(&images(), 0, &methods, &none).is_err());
}

/// With the whole cascade random the maps are those of the random network.
#[test]
fn cascade_ends_at_random() {
    let network = inception_v3(Convention::Keras, Some(1));
    let weights = initialise(&network, Initialisation::Xavier, 7);
    let layer = network.stage("Mixed_6e").unwrap();
    let map = |weights: &Weights| {
        Path::new(&Cpu, &network, weights, &[layer])
            .unwrap()
            .maps(&images(), 1, &[Method::HiResCam], &Options::default())
            .unwrap()
            .into_iter()
            .map(|mut a| a.maps.remove(0))
            .collect::<Vec<_>>()
    };
    let stages = sanity::cascade(&network);
    let last = sanity::randomised(&network, &weights, stages[stages.len() - 1], 8).unwrap();
    let fresh = initialise(&network, Initialisation::Xavier, 8);
    assert_eq!(map(&last), map(&fresh));
    let top = sanity::randomised(&network, &weights, stages[0], 8).unwrap();
    let (trained, changed) = (map(&weights), map(&top));
    let found = sanity::similarity(&trained, &changed).unwrap();
    assert!(found.rho.is_none_or(|rho| rho < 0.999), "{found:?}");
}

//! Times of texture and colour on one patch, one thread. `peers.py` beside this file times mahotas
//! and scikit-image on the same patch in alternation.
//!
//! The patch is the first of the authors' Camelyon patches where `SPOLIA_DATA` names the folder of
//! the data, else a synthetic one.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use spolia_measure::{
    Colour, Convention, Feature, Gray, Measure, Pattern, TextureOptions, Workspace, haralick13,
    lbp_histogram, measure_rgb,
};

const SIDE: usize = 224;

fn patch() -> Vec<u8> {
    let Some(folder) = std::env::var_os("SPOLIA_DATA") else {
        return synthetic();
    };
    let path = std::path::Path::new(&folder).join("camelyon_patches/cam17_patches.hdf5");
    let file = hdf5_pure::File::open(&path).expect("the authors' patches");
    let patches = file
        .dataset("normal/level7/centre0/patient010/node4/patches")
        .expect("a dataset of patches");
    let mut pixels = patches.read_u8().expect("bytes");
    pixels.truncate(SIDE * SIDE * 3);
    pixels
}

/// Soft blobs and noise, the same as in `peers.py`.
fn synthetic() -> Vec<u8> {
    let mut x = 1_u32;
    (0..SIDE * SIDE * 3)
        .map(|k| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (row, column) = (k / (3 * SIDE), k / 3 % SIDE);
            let soft = 60 * ((row / 16 + column / 16) % 3) + row / 4 + k % 3 * 8;
            (soft + (x >> 28) as usize) as u8
        })
        .collect()
}

fn texture(criterion: &mut Criterion) {
    let rgb = patch();
    let gray = Gray::from_rgb(&rgb, SIDE, SIDE).expect("a patch");
    let mut workspace = Workspace::new();

    criterion.bench_function("haralick13_4_directions", |bencher| {
        bencher.iter(|| haralick13(black_box(&gray), 1, &mut workspace));
    });
    let options = TextureOptions {
        convention: Convention::ScikitImage,
        ..TextureOptions::haralick(1).expect("a distance")
    };
    criterion.bench_function("glcm_3_properties_4_directions", |bencher| {
        bencher.iter(|| {
            let texture = workspace
                .texture(black_box(&gray), &options)
                .expect("pairs");
            [Feature::Asm, Feature::Contrast, Feature::Correlation]
                .map(|feature| [0, 1, 2, 3].map(|k| texture.get(feature, k)))
        });
    });
    criterion.bench_function("lbp_uniform_8_1", |bencher| {
        bencher.iter(|| lbp_histogram(black_box(&gray), 8, 1.0, Pattern::Uniform));
    });
    criterion.bench_function("colour", |bencher| {
        bencher.iter(|| Colour::of(black_box(&rgb), SIDE, SIDE));
    });
    criterion.bench_function("measures_of_the_paper", |bencher| {
        bencher.iter(|| measure_rgb(black_box(&rgb), SIDE, SIDE, Measure::PAPER));
    });
}

criterion_group!(benches, texture);
criterion_main!(benches);

//! Keras files written by tests/reference/weights_keras.py, and damaged ones.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use spolia_network::{Convention, Error, Weights};

/// One of the files in keras.zip.
fn bytes(name: &str) -> Vec<u8> {
    let archive = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/weights_files/keras.zip");
    let mut archive = zip::ZipArchive::new(File::open(archive).unwrap()).unwrap();
    let mut bytes = Vec::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn load(bytes: &[u8]) -> Result<Weights, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.h5");
    fs::write(&path, bytes).unwrap();
    Weights::load(&path, None)
}

/// Parameters of layers across the network, and the number of their convolution in Keras's order of creation.
const SOME: [(&str, f32); 6] = [
    ("Conv2d_1a_3x3", 1.0),
    ("Mixed_5b.branch_pool", 12.0),
    ("Mixed_6a.branch3x3", 27.0),
    ("Mixed_6d.branch7x7dbl_1", 55.0),
    ("Mixed_7b.branch3x3dbl_3b", 84.0),
    ("Mixed_7c.branch_pool", 94.0),
];

#[test]
fn every_version_gives_the_same_layers() {
    for name in [
        "keras_2_notop.h5",
        "keras_2_saved_model.h5",
        "keras_3.weights.h5",
    ] {
        let loaded = load(&bytes(name)).unwrap();
        for (layer, k) in SOME {
            let value = |part: &str| loaded.tensors[&format!("{layer}.{part}")].data.clone();
            let parts = [
                "conv.weight",
                "bn.bias",
                "bn.running_mean",
                "bn.running_var",
                "bn.weight",
            ]
            .map(value);
            assert_eq!(
                parts,
                [
                    vec![k],
                    vec![k + 0.25],
                    vec![k + 0.5],
                    vec![k + 0.75],
                    vec![1.0]
                ],
                "{name} {layer}"
            );
        }
        let head = if name == "keras_2_saved_model.h5" {
            2
        } else {
            0
        };
        assert_eq!(loaded.tensors.len(), 94 * 5 + head, "{name}");
        assert_eq!(loaded.metadata.convention, Some(Convention::Keras));
        if head > 0 {
            let weight = &loaded.tensors["fc.weight"];
            assert_eq!(
                (weight.shape.as_slice(), weight.data.as_slice()),
                (&[2, 3][..], &[0.0, 2.0, 4.0, 1.0, 3.0, 5.0][..])
            );
            assert_eq!(loaded.tensors["fc.bias"].data, [7.0, 8.0]);
        }
    }
}

#[test]
fn other_hdf5_files_are_refused() {
    let mut builder = hdf5_pure::FileBuilder::new();
    builder
        .create_dataset("x")
        .with_f32_data(&[1.0])
        .with_shape(&[1]);
    let text = load(&builder.finish().unwrap()).unwrap_err().to_string();
    let said = "not a readable Keras HDF5 file: 0 convolution layers where keras.applications' InceptionV3 has 94";
    assert!(text.contains(said), "{text}");
}

/// A full-size file and the same weights in safetensors, named by environment variables.
#[test]
fn full_size_files_agree_with_their_truth() {
    let (Some(files), Some(truth)) = (
        std::env::var_os("SPOLIA_WEIGHTS_FILES"),
        std::env::var_os("SPOLIA_WEIGHTS_TRUTH"),
    ) else {
        println!("skipped: SPOLIA_WEIGHTS_FILES and SPOLIA_WEIGHTS_TRUTH do not name files");
        return;
    };
    let truth = Weights::load(Path::new(&truth), None).unwrap().tensors;
    for file in std::env::split_paths(&files) {
        let loaded = Weights::load(&file, None).unwrap();
        let keras = loaded.metadata.convention == Some(Convention::Keras);
        for (name, tensor) in &truth {
            // Keras has no scale.
            let same = &loaded.tensors[name] == tensor || keras && name.ends_with(".bn.weight");
            assert!(same, "{}: {name}", file.display());
        }
        assert_eq!(loaded.tensors.len(), truth.len(), "{}", file.display());
        println!("{}: {} tensors agree", file.display(), truth.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes are changed or cut, the file is read or refused.
    #[test]
    fn damage_never_panics(
        file in prop::sample::select(vec!["keras_2_notop.h5", "keras_2_saved_model.h5", "keras_3.weights.h5"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        length in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = bytes(file);
        for (index, value) in &changes {
            let at = index.index(bytes.len());
            bytes[at] = *value;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        if let Err(error) = load(&bytes) {
            prop_assert!(matches!(error, Error::Format { .. }), "{error:?}");
        }
    }
}

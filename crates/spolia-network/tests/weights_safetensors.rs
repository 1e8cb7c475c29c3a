//! Reading and writing safetensors: round trips, determinism, foreign files, damage.

use std::{collections::BTreeMap, fs, path::PathBuf};

use spolia_network::{
    Convention, Error, Initialisation, WeightTensor, Weights, inception_v3, initialise, weights,
};

/// A safetensors file of the given header and data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

fn written(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join("w.safetensors");
    fs::write(&path, bytes).unwrap();
    path
}

fn small() -> Weights {
    let tensor = |shape: &[usize], data: &[f32]| WeightTensor {
        shape: shape.to_vec(),
        data: data.to_vec(),
    };
    let mut weights = Weights::default();
    weights.tensors.insert(
        "a.conv.weight".into(),
        tensor(&[1, 2, 1, 1], &[0.1, -1e-30]),
    );
    weights
        .tensors
        .insert("a.bn.weight".into(), tensor(&[1], &[f32::MIN_POSITIVE]));
    weights.metadata.architecture = Some("inception_v3".into());
    weights.metadata.convention = Some(Convention::Keras);
    weights.metadata.classes = vec!["normal".into(), "tumor".into()];
    weights.metadata.history = vec!["pretrained, \"twice\"".into()];
    weights
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder/w.safetensors");
    small().save(&path).unwrap();
    let loaded = Weights::load(&path, None).unwrap();
    assert_eq!(
        (&loaded.tensors, &loaded.metadata),
        (&small().tensors, &small().metadata)
    );
    assert_eq!(loaded.source, path.display().to_string());
    // Nothing else is left beside it.
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn the_bytes_are_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let saved = |name| {
        let path = folder.path().join(name);
        small().save(&path).unwrap();
        fs::read(path).unwrap()
    };
    let bytes = saved("a");
    assert_eq!(bytes, saved("b"));
    let header_length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    assert_eq!(header_length % 8, 0);
    let header = std::str::from_utf8(&bytes[8..8 + header_length]).unwrap();
    assert!(
        header.starts_with(
            r#"{"__metadata__":{"architecture":"inception_v3","classes":"normal,tumor","#
        ),
        "{header}"
    );
    assert_eq!(bytes.len(), 8 + header_length + 12);
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, b"old");
    let mut wrong = small();
    wrong.tensors.get_mut("a.bn.weight").unwrap().shape = vec![3];
    assert!(matches!(wrong.save(&path), Err(Error::Shape { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert!(matches!(
        small().save(path.join("below/a/file")),
        Err(Error::Io { .. })
    ));
}

#[test]
fn half_and_8_bit_tensors_become_f32() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"{"__metadata__":{"quantization":"{\"q\":{\"scale\":0.5,\"min\":-1.0}}"},"b":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},"h":{"dtype":"F16","shape":[1],"data_offsets":[2,4]},"q":{"dtype":"U8","shape":[1,2],"data_offsets":[4,6]}}"#;
    let path = written(&folder, &file(header, &[0xc0, 0x3f, 0x00, 0xc0, 0, 255]));
    let loaded = Weights::load(&path, None).unwrap().tensors;
    let values: BTreeMap<_, _> = loaded
        .iter()
        .map(|(name, t)| (name.as_str(), t.data.clone()))
        .collect();
    assert_eq!(
        values,
        BTreeMap::from([
            ("b", vec![1.5]),
            ("h", vec![-2.0]),
            ("q", vec![-1.0, 126.5])
        ])
    );
    assert_eq!(loaded["q"].shape, [1, 2]);
}

#[test]
fn conventions() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let path = written(&folder, &file(header, &[0; 4]));
    let silent = Weights::load(&path, None).unwrap();
    assert!(matches!(
        silent.convention_or(None),
        Err(Error::NoConvention { .. })
    ));
    assert_eq!(
        silent.convention_or(Some(Convention::Keras)).unwrap(),
        Convention::Keras
    );
    let told = Weights::load(&path, Some(Convention::Torchvision)).unwrap();
    assert_eq!(told.convention_or(None).unwrap(), Convention::Torchvision);
    assert_eq!(
        told.metadata.history,
        ["read as convention torchvision, as told"]
    );
    small().save(&path).unwrap();
    let contradicted = Weights::load(&path, Some(Convention::Torchvision)).unwrap();
    assert_eq!(
        contradicted.metadata.convention,
        Some(Convention::Torchvision)
    );
    assert_eq!(
        contradicted.metadata.history[1],
        "read as convention torchvision, though the file says keras"
    );
    assert_eq!(
        Weights::load(&path, Some(Convention::Keras))
            .unwrap()
            .metadata,
        small().metadata
    );
}

#[test]
fn errors_name_the_file_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    small().save(&whole).unwrap();
    let mut cut = fs::read(&whole).unwrap();
    cut.pop();
    let of = |dtype: &str| {
        file(
            &format!(r#"{{"a":{{"dtype":"{dtype}","shape":[1],"data_offsets":[0,1]}}}}"#),
            &[0],
        )
    };
    for (bytes, said) in [
        (cut, "not a readable safetensors file: "),
        (of("I8"), "tensor `a` holds I8; convert it to F32"),
        (
            of("U8"),
            "tensor `a` is 8-bit, but the header's `quantization` has no scale for it",
        ),
        (
            file(r#"{"__metadata__":{"spolia":"{"}}"#, &[]),
            "`spolia` in the header: ",
        ),
        (
            b"JPEG?".to_vec(),
            "safetensors: 5 bytes, too short for a header; PyTorch: does not start as a zip archive",
        ),
        (
            vec![0xff; 64],
            "Keras HDF5: has no HDF5 signature; give a safetensors, PyTorch or Keras",
        ),
        (Vec::new(), "safetensors: 0 bytes"),
    ] {
        let path = written(&folder, &bytes);
        let error = Weights::load(&path, None).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.starts_with(&path.display().to_string()) && text.contains(said),
            "{text}"
        );
    }
    assert!(matches!(
        Weights::load(folder.path().join("none"), None),
        Err(Error::Io { .. })
    ));
}

#[test]
fn the_starter_weights_fit_the_network() {
    let starter = weights::starter().unwrap();
    let network = inception_v3(starter.convention_or(None).unwrap(), None);
    starter.check(&network).unwrap();
    assert_eq!(starter.metadata.convention, Some(Convention::Keras));
    assert!(
        starter
            .metadata
            .provenance
            .as_ref()
            .is_some_and(|p| p.contains("content-moderation"))
    );
    assert_eq!(
        starter.tensors["Mixed_7c.branch_pool.bn.weight"].data,
        vec![1.0; 192]
    );
    assert!(matches!(
        starter.check(&inception_v3(Convention::Keras, Some(1))),
        Err(Error::NoHead { .. })
    ));
}

/// The same values as a full-precision copy of the dequantised weights, bit for bit.
#[test]
fn the_starter_weights_are_the_published_ones() {
    let Some(data) = std::env::var_os("SPOLIA_DATA") else {
        println!("skipped: SPOLIA_DATA does not name the data folder");
        return;
    };
    let path = PathBuf::from(data).join("weights/inception_v3_notop.safetensors");
    let full = Weights::load(path, Some(Convention::Keras)).unwrap();
    full.check(&inception_v3(Convention::Keras, None)).unwrap();
    let starter = weights::starter().unwrap();
    assert_eq!(full.tensors.len(), 470);
    for (name, tensor) in &full.tensors {
        let same = tensor
            .data
            .iter()
            .zip(&starter.tensors[name].data)
            .all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(
            same && tensor.shape == starter.tensors[name].shape,
            "{name}"
        );
    }
}

#[test]
fn a_whole_network_survives() {
    let folder = tempfile::tempdir().unwrap();
    let network = inception_v3(Convention::Torchvision, Some(2));
    let drawn = initialise(&network, Initialisation::Xavier, 1);
    let path = folder.path().join("w.safetensors");
    drawn.save(&path).unwrap();
    let loaded = Weights::load(&path, None).unwrap();
    loaded.check(&network).unwrap();
    assert!(loaded.tensors == drawn.tensors && loaded.metadata == drawn.metadata);
}

//! PyTorch files written by tests/reference/weights_pytorch.py, and damaged ones.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use spolia_network::{Error, Weights};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/weights_files")
        .join(name)
}

/// What the script put in, in torchvision's order.
#[test]
fn every_layout_gives_the_same_values() {
    let quarters: Vec<f32> = (0..12u8).map(|v| f32::from(v) / 4.0).collect();
    for name in [
        "state_dict.pth",
        "protocol_4.pth",
        "legacy.pth",
        "checkpoint.pth",
    ] {
        let loaded = Weights::load(path(name), None).unwrap();
        let got: Vec<_> = loaded
            .tensors
            .iter()
            .map(|(n, t)| (n.as_str(), t.shape.as_slice(), t.data.as_slice()))
            .collect();
        let expected: [(&str, &[usize], &[f32]); 6] = [
            // 0.1 and -65504 in half precision; 0.1 and 3e38 in bfloat16; 1e-300 is 0 in f32.
            (
                "Mixed_5b.branch1x1.bn.bias",
                &[2],
                &[0.099_975_586, -65504.0],
            ),
            (
                "Mixed_5b.branch1x1.bn.running_mean",
                &[2],
                &[0.100_097_656, 3.004_055_3e38],
            ),
            ("Mixed_5b.branch1x1.bn.running_var", &[3], &[1.0, 3.0, 5.0]),
            ("Mixed_5b.branch1x1.bn.weight", &[2], &[0.1, 0.0]),
            ("Mixed_5b.branch1x1.conv.weight", &[2, 3, 2, 1], &quarters),
            ("fc.weight", &[2, 3], &[0.0, 2.0, 4.0, 1.0, 3.0, 5.0]),
        ];
        assert_eq!(got, expected, "{name}");
        assert!(matches!(
            loaded.convention_or(None),
            Err(Error::NoConvention { .. })
        ));
    }
}

#[test]
fn what_is_no_state_dict_is_refused_by_name() {
    for (name, said) in [
        (
            "whole_model.pth",
            "a Python object `torch.nn.modules.linear.Linear`",
        ),
        (
            "no_tensors.pth",
            "no tensors under its keys (epoch, losses); looked for state_dict,",
        ),
        ("whole_numbers.pth", "tensor `counts` holds whole numbers"),
    ] {
        let text = Weights::load(path(name), None).unwrap_err().to_string();
        let start = format!("{}: not a readable PyTorch file: ", path(name).display());
        assert!(text.starts_with(&start) && text.contains(said), "{text}");
    }
}

/// A file of before PyTorch 1.6 with the given pickle in place of the state dict.
fn legacy(state: &[u8]) -> Vec<u8> {
    let magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
    [
        magic.as_slice(),
        b"\x80\x02M\xe9\x03.",
        b"\x80\x02}.",
        state,
        b"\x80\x02].",
        &[],
    ]
    .concat()
}

fn reason(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    fs::write(&path, bytes).unwrap();
    Weights::load(&path, None).unwrap_err().to_string()
}

/// Pickles that ask for a function, memory or stack.
#[test]
fn hostile_pickles() {
    let tensor = |shape: &[u8]| {
        let storage =
            b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ";
        let pickle = [
            b"}X\x01\0\0\0actorch._utils\n_rebuild_tensor_v2\n",
            storage.as_slice(),
            b"K\0",
            shape,
            b"tRs.",
        ];
        legacy(&pickle.concat())
    };
    let endless = b"\x8a\x06\xff\xff\xff\xff\xff\x00\x85K\0\x85";
    for (bytes, said) in [
        (
            legacy(b"cos\nsystem\n(X\x04\0\0\0evil\x85R."),
            "it holds a Python object `os.system`",
        ),
        (legacy(b"X\xff\xff\xff\x7fabc"), "its pickle ends too early"),
        (legacy(b"}}R."), "calls something in an unknown way"),
        (legacy(b"h\x07."), "recalls what it did not remember"),
        (legacy(b"t."), "no mark where one is needed"),
        (legacy(b"i"), "an instruction 0x69 that no state dict needs"),
        (legacy(b"K\x01."), "it holds no dict of tensors"),
        // A million tuples in one another.
        (
            legacy(&[b")".as_slice(), &[0x85; 1_000_000], b"."].concat()),
            "it holds no dict of tensors",
        ),
        (tensor(endless), "refers to data `0`, which the file lacks"),
        (
            tensor(b"J\xff\xff\xff\xff\x85K\x01\x85"),
            "a tensor's storage, shape or strides are not numbers",
        ),
    ] {
        let text = reason(&bytes);
        assert!(text.contains(said), "{said}: {text}");
    }
    // The same endless tensor over data that is there: one number, stride 0.
    let with_data = |shape: &[u8]| {
        let whole = tensor(shape);
        let state = &whole[..whole.len() - 4];
        [
            state,
            b"\x80\x02](X\x01\0\0\x000e.",
            &1u64.to_le_bytes(),
            &2.5f32.to_le_bytes(),
        ]
        .concat()
    };
    let text = reason(&with_data(endless));
    assert!(
        text.contains("tensor `a` has shape [1099511627775], more than the file can hold"),
        "{text}"
    );
    let text = reason(&with_data(b"K\x02\x85K\x01\x85"));
    assert!(
        text.contains("tensor `a` of shape [2] reaches beyond its data"),
        "{text}"
    );
    let text = reason(&with_data(b"K\x02\x85J\xff\xff\xff\x7f\x85"));
    assert!(
        text.contains("tensor `a` of shape [2] reaches beyond its data"),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever bytes are changed or cut, the file is read or refused.
    #[test]
    fn damage_never_panics(
        file in prop::sample::select(vec!["state_dict.pth", "protocol_4.pth", "legacy.pth", "checkpoint.pth"]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        length in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = fs::read(path(file)).unwrap();
        for (index, value) in &changes {
            let at = index.index(bytes.len());
            bytes[at] = *value;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        fs::write(&path, &bytes).unwrap();
        match Weights::load(&path, None) {
            Ok(weights) => prop_assert!(weights.tensors.values().all(|t| t.shape.iter().product::<usize>() == t.data.len())),
            Err(error) => prop_assert!(matches!(error, Error::Format { .. }), "{error:?}"),
        }
    }
}

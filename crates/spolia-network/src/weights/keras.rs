//! Keras's InceptionV3 as HDF5: weights files of Keras 1 and 2 (`.h5`), whole saved models (`model.save("x.h5")`), and
//! Keras 3's `.weights.h5`.
//!
//! Keras numbers layers as it creates them, over all models of a session: `conv2d_1 ... conv2d_94`, or `conv2d`,
//! `conv2d_1`, or `conv2d_95 ...`. So their order says which is which, not the number.

use std::collections::BTreeMap;

use hdf5_pure::{File, Group};

use super::{Metadata, WeightTensor, Weights};
use crate::Convention;

/// The convolutions in the order in which keras.applications creates them, each with its batch norm.
const CREATION_ORDER: [&str; 94] = [
    "Conv2d_1a_3x3",
    "Conv2d_2a_3x3",
    "Conv2d_2b_3x3",
    "Conv2d_3b_1x1",
    "Conv2d_4a_3x3",
    "Mixed_5b.branch1x1",
    "Mixed_5b.branch5x5_1",
    "Mixed_5b.branch5x5_2",
    "Mixed_5b.branch3x3dbl_1",
    "Mixed_5b.branch3x3dbl_2",
    "Mixed_5b.branch3x3dbl_3",
    "Mixed_5b.branch_pool",
    "Mixed_5c.branch1x1",
    "Mixed_5c.branch5x5_1",
    "Mixed_5c.branch5x5_2",
    "Mixed_5c.branch3x3dbl_1",
    "Mixed_5c.branch3x3dbl_2",
    "Mixed_5c.branch3x3dbl_3",
    "Mixed_5c.branch_pool",
    "Mixed_5d.branch1x1",
    "Mixed_5d.branch5x5_1",
    "Mixed_5d.branch5x5_2",
    "Mixed_5d.branch3x3dbl_1",
    "Mixed_5d.branch3x3dbl_2",
    "Mixed_5d.branch3x3dbl_3",
    "Mixed_5d.branch_pool",
    "Mixed_6a.branch3x3",
    "Mixed_6a.branch3x3dbl_1",
    "Mixed_6a.branch3x3dbl_2",
    "Mixed_6a.branch3x3dbl_3",
    "Mixed_6b.branch1x1",
    "Mixed_6b.branch7x7_1",
    "Mixed_6b.branch7x7_2",
    "Mixed_6b.branch7x7_3",
    "Mixed_6b.branch7x7dbl_1",
    "Mixed_6b.branch7x7dbl_2",
    "Mixed_6b.branch7x7dbl_3",
    "Mixed_6b.branch7x7dbl_4",
    "Mixed_6b.branch7x7dbl_5",
    "Mixed_6b.branch_pool",
    "Mixed_6c.branch1x1",
    "Mixed_6c.branch7x7_1",
    "Mixed_6c.branch7x7_2",
    "Mixed_6c.branch7x7_3",
    "Mixed_6c.branch7x7dbl_1",
    "Mixed_6c.branch7x7dbl_2",
    "Mixed_6c.branch7x7dbl_3",
    "Mixed_6c.branch7x7dbl_4",
    "Mixed_6c.branch7x7dbl_5",
    "Mixed_6c.branch_pool",
    "Mixed_6d.branch1x1",
    "Mixed_6d.branch7x7_1",
    "Mixed_6d.branch7x7_2",
    "Mixed_6d.branch7x7_3",
    "Mixed_6d.branch7x7dbl_1",
    "Mixed_6d.branch7x7dbl_2",
    "Mixed_6d.branch7x7dbl_3",
    "Mixed_6d.branch7x7dbl_4",
    "Mixed_6d.branch7x7dbl_5",
    "Mixed_6d.branch_pool",
    "Mixed_6e.branch1x1",
    "Mixed_6e.branch7x7_1",
    "Mixed_6e.branch7x7_2",
    "Mixed_6e.branch7x7_3",
    "Mixed_6e.branch7x7dbl_1",
    "Mixed_6e.branch7x7dbl_2",
    "Mixed_6e.branch7x7dbl_3",
    "Mixed_6e.branch7x7dbl_4",
    "Mixed_6e.branch7x7dbl_5",
    "Mixed_6e.branch_pool",
    "Mixed_7a.branch3x3_1",
    "Mixed_7a.branch3x3_2",
    "Mixed_7a.branch7x7x3_1",
    "Mixed_7a.branch7x7x3_2",
    "Mixed_7a.branch7x7x3_3",
    "Mixed_7a.branch7x7x3_4",
    "Mixed_7b.branch1x1",
    "Mixed_7b.branch3x3_1",
    "Mixed_7b.branch3x3_2a",
    "Mixed_7b.branch3x3_2b",
    "Mixed_7b.branch3x3dbl_1",
    "Mixed_7b.branch3x3dbl_2",
    "Mixed_7b.branch3x3dbl_3a",
    "Mixed_7b.branch3x3dbl_3b",
    "Mixed_7b.branch_pool",
    "Mixed_7c.branch1x1",
    "Mixed_7c.branch3x3_1",
    "Mixed_7c.branch3x3_2a",
    "Mixed_7c.branch3x3_2b",
    "Mixed_7c.branch3x3dbl_1",
    "Mixed_7c.branch3x3dbl_2",
    "Mixed_7c.branch3x3dbl_3a",
    "Mixed_7c.branch3x3dbl_3b",
    "Mixed_7c.branch_pool",
];

/// A dataset may have at most this many values; InceptionV3's largest kernel has 1.8 million.
const MOST_VALUES: u64 = 1 << 26;

/// Groups nested deeper than this are not Keras's.
const DEEPEST: usize = 12;

/// Keras's default names of layer classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Convolution,
    BatchNorm,
    Dense,
}

/// A layer's variables by their Keras names: `kernel`, `bias`, `gamma`, `beta`, `moving_mean`, `moving_variance`.
type Variables = BTreeMap<String, WeightTensor>;

/// Layers by class and number of creation.
type Layers = BTreeMap<(Class, u64), Variables>;

pub(super) fn detect(bytes: &[u8]) -> Result<(), String> {
    if hdf5_pure::is_hdf5_bytes(bytes) {
        Ok(())
    } else {
        Err("has no HDF5 signature".into())
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let file = File::from_bytes(bytes.to_vec()).map_err(|e| damaged(&e))?;
    let mut layers = Layers::new();
    collect(&file.root(), &mut Vec::new(), &mut layers)?;
    let (tensors, note) = torchvision(layers, &CREATION_ORDER)?;
    let metadata = Metadata {
        architecture: Some("inception_v3".into()),
        convention: Some(Convention::Keras),
        history: note.into_iter().collect(),
        ..Metadata::default()
    };
    Ok(Weights {
        tensors,
        metadata,
        source: String::new(),
    })
}

fn damaged(e: &hdf5_pure::Error) -> String {
    format!("{e}; the file is cut short or damaged, download or copy it again")
}

/// Every variable below a group whose path names a layer.
fn collect(group: &Group, path: &mut Vec<String>, layers: &mut Layers) -> Result<(), String> {
    if path.len() > DEEPEST {
        return Err("its groups are nested deeper than Keras's; save the weights again with model.save_weights".into());
    }
    for name in group.datasets().map_err(|e| damaged(&e))? {
        let Some((class, number)) = path.iter().rev().find_map(|part| layer(part)) else {
            continue;
        };
        // A saved model also holds the optimizer's own values under the layers' names.
        if path.iter().any(|part| part.starts_with("optimizer")) {
            continue;
        }
        let dataset = group.dataset(&name).map_err(|e| damaged(&e))?;
        let shape = dataset.shape().map_err(|e| damaged(&e))?;
        let count = shape
            .iter()
            .try_fold(1u64, |n, &side| n.checked_mul(side))
            .filter(|&n| n <= MOST_VALUES);
        if count.is_none() {
            return Err(format!(
                "`{}/{name}` has shape {shape:?}, more than InceptionV3 has",
                path.join("/")
            ));
        }
        let data = dataset
            .read_f32()
            .map_err(|e| format!("`{}/{name}`: {}", path.join("/"), damaged(&e)))?;
        let tensor = WeightTensor {
            shape: shape.iter().map(|&side| side as usize).collect(),
            data,
        };
        let variable = name.split(':').next().unwrap_or_default().to_owned();
        layers
            .entry((class, number))
            .or_default()
            .insert(variable, tensor);
    }
    for name in group.groups().map_err(|e| damaged(&e))? {
        let child = group.group(&name).map_err(|e| damaged(&e))?;
        path.push(name);
        collect(&child, path, layers)?;
        path.pop();
    }
    Ok(())
}

/// Class and number of a layer's name: `conv2d` is 0, `conv2d_7` is 7; `predictions` is keras.applications' dense layer.
fn layer(name: &str) -> Option<(Class, u64)> {
    if name == "predictions" {
        return Some((Class::Dense, 0));
    }
    [
        ("conv2d", Class::Convolution),
        ("batch_normalization", Class::BatchNorm),
        ("dense", Class::Dense),
    ]
    .into_iter()
    .find_map(|(prefix, class)| match name.strip_prefix(prefix)? {
        "" => Some((class, 0)),
        rest => Some((class, rest.strip_prefix('_')?.parse().ok()?)),
    })
}

/// The layers under torchvision's names, axes turned to PyTorch's order; also a note where dense layers were left out.
fn torchvision(
    layers: Layers,
    order: &[&str],
) -> Result<(BTreeMap<String, WeightTensor>, Option<String>), String> {
    let mut by_class = [Vec::new(), Vec::new(), Vec::new()];
    for ((class, _), variables) in layers {
        by_class[class as usize].push(variables);
    }
    let [convolutions, norms, mut dense] = by_class;
    for (what, found) in [
        ("convolution", convolutions.len()),
        ("batch norm", norms.len()),
    ] {
        if found != order.len() {
            return Err(format!(
                "{found} {what} layers where keras.applications' InceptionV3 has {}; the file is of another \
                 architecture, or its layers were renamed",
                order.len()
            ));
        }
    }
    let mut tensors = BTreeMap::new();
    for ((name, convolution), norm) in order.iter().zip(convolutions).zip(norms) {
        let kernel = variable(&convolution, name, &["kernel", "0"])?;
        tensors.insert(format!("{name}.conv.weight"), outputs_first(kernel, name)?);
        // Keras 3 numbers the variables; gamma, the first, is there only with four of them.
        let shift = usize::from(norm.contains_key("3"));
        let mut norm_part = |ours: &str, theirs: &str, number: usize| {
            let tensor = variable(&norm, name, &[theirs, &number.to_string()])?.clone();
            tensors.insert(format!("{name}.bn.{ours}"), tensor);
            Ok::<_, String>(())
        };
        if norm.contains_key("gamma") || shift == 1 {
            norm_part("weight", "gamma", 0)?;
        }
        norm_part("bias", "beta", shift)?;
        norm_part("running_mean", "moving_mean", shift + 1)?;
        norm_part("running_var", "moving_variance", shift + 2)?;
    }
    let note = if dense.len() > 1 {
        Some(format!(
            "{} dense layers of the Keras model left out: only one can be `fc`",
            dense.len()
        ))
    } else if let Some(only) = dense.pop() {
        tensors.insert(
            "fc.weight".into(),
            outputs_first(variable(&only, "dense", &["kernel", "0"])?, "dense")?,
        );
        tensors.insert(
            "fc.bias".into(),
            variable(&only, "dense", &["bias", "1"])?.clone(),
        );
        None
    } else {
        None
    };
    Ok((tensors, note))
}

fn variable<'a>(
    variables: &'a Variables,
    layer: &str,
    names: &[&str],
) -> Result<&'a WeightTensor, String> {
    names
        .iter()
        .find_map(|name| variables.get(*name))
        .ok_or_else(|| {
            format!(
                "the layer that should be {layer} has no `{}`; the file is incomplete",
                names.join("` or `")
            )
        })
}

/// Rows x columns x inputs x outputs to outputs x inputs x rows x columns; inputs x outputs to outputs x inputs.
fn outputs_first(kernel: &WeightTensor, layer: &str) -> Result<WeightTensor, String> {
    let (pixels, inputs, outputs) = match kernel.shape[..] {
        [rows, columns, inputs, outputs] => (vec![rows, columns], inputs, outputs),
        [inputs, outputs] => (Vec::new(), inputs, outputs),
        _ => {
            return Err(format!(
                "the kernel that should be {layer}'s has shape {:?}",
                kernel.shape
            ));
        }
    };
    let area: usize = pixels.iter().product();
    if kernel.data.len() != area * inputs * outputs {
        return Err(format!(
            "the kernel that should be {layer}'s has {} values",
            kernel.data.len()
        ));
    }
    let mut data = Vec::with_capacity(kernel.data.len());
    for output in 0..outputs {
        for input in 0..inputs {
            data.extend(
                (0..area).map(|pixel| kernel.data[(pixel * inputs + input) * outputs + output]),
            );
        }
    }
    let shape = [vec![outputs, inputs], pixels].concat();
    Ok(WeightTensor { shape, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize], data: &[f32]) -> WeightTensor {
        WeightTensor {
            shape: shape.to_vec(),
            data: data.to_vec(),
        }
    }

    fn variables(parts: &[(&str, f32)]) -> Variables {
        parts
            .iter()
            .map(|&(name, v)| (name.to_owned(), tensor(&[1], &[v])))
            .collect()
    }

    /// Two convolutions created as 95th and 100th; by text `conv2d_100` would come first.
    fn two_layers() -> Layers {
        let norm = |v| {
            variables(&[
                ("beta", v),
                ("moving_mean", v + 1.0),
                ("moving_variance", v + 2.0),
            ])
        };
        Layers::from([
            (
                (Class::Convolution, 95),
                Variables::from([("kernel".into(), tensor(&[1, 2, 1, 1], &[1.0, 2.0]))]),
            ),
            (
                (Class::Convolution, 100),
                Variables::from([("kernel".into(), tensor(&[1, 1, 1, 1], &[3.0]))]),
            ),
            ((Class::BatchNorm, 7), norm(10.0)),
            ((Class::BatchNorm, 11), norm(20.0)),
        ])
    }

    #[test]
    fn layers_are_named_by_their_order() {
        let (tensors, note) = torchvision(two_layers(), &["first", "second"]).unwrap();
        assert_eq!(note, None);
        assert_eq!(
            tensors["first.conv.weight"],
            tensor(&[1, 1, 1, 2], &[1.0, 2.0])
        );
        assert_eq!(tensors["second.conv.weight"].data, [3.0]);
        for (name, value) in [
            ("first.bn.bias", 10.0),
            ("second.bn.running_mean", 21.0),
            ("first.bn.running_var", 12.0),
        ] {
            assert_eq!(tensors[name].data, [value], "{name}");
        }
        assert!(!tensors.contains_key("first.bn.weight"));
        let error = torchvision(two_layers(), &["one"]).unwrap_err();
        assert!(
            error.contains("2 convolution layers where keras.applications' InceptionV3 has 1"),
            "{error}"
        );
    }

    #[test]
    fn keras_3_numbers_variables() {
        let mut layers = two_layers();
        layers.insert(
            (Class::BatchNorm, 7),
            variables(&[("0", 1.0), ("1", 2.0), ("2", 3.0), ("3", 4.0)]),
        );
        layers.insert(
            (Class::BatchNorm, 11),
            variables(&[("0", 5.0), ("1", 6.0), ("2", 7.0)]),
        );
        let (tensors, _) = torchvision(layers, &["a", "b"]).unwrap();
        assert_eq!(
            (
                tensors["a.bn.weight"].data[0],
                tensors["a.bn.running_var"].data[0]
            ),
            (1.0, 4.0)
        );
        assert_eq!(
            (
                tensors["b.bn.bias"].data[0],
                tensors["b.bn.running_var"].data[0]
            ),
            (5.0, 7.0)
        );
    }

    #[test]
    fn dense_layers() {
        let dense = || {
            Variables::from([
                (
                    "kernel".into(),
                    tensor(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
                ),
                ("bias".into(), tensor(&[3], &[7.0, 8.0, 9.0])),
            ])
        };
        let mut layers = two_layers();
        layers.insert((Class::Dense, 0), dense());
        let (tensors, _) = torchvision(layers.clone(), &["a", "b"]).unwrap();
        assert_eq!(
            tensors["fc.weight"],
            tensor(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0])
        );
        layers.insert((Class::Dense, 1), dense());
        let (tensors, note) = torchvision(layers, &["a", "b"]).unwrap();
        assert!(!tensors.contains_key("fc.weight"));
        assert!(note.unwrap().starts_with("2 dense layers"));
    }

    #[test]
    fn kernels_turn_their_axes() {
        // 2 rows, 1 column, 2 inputs, 3 outputs; the values say row, input, output.
        let kernel = tensor(
            &[2, 1, 2, 3],
            &[
                0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 100.0, 101.0, 102.0, 110.0, 111.0, 112.0,
            ],
        );
        let turned = outputs_first(&kernel, "x").unwrap();
        let expected = [
            0.0, 100.0, 10.0, 110.0, 1.0, 101.0, 11.0, 111.0, 2.0, 102.0, 12.0, 112.0,
        ];
        assert_eq!(turned, tensor(&[3, 2, 2, 1], &expected));
    }

    #[test]
    fn layer_names() {
        assert_eq!(layer("conv2d"), Some((Class::Convolution, 0)));
        assert_eq!(
            layer("batch_normalization_94"),
            Some((Class::BatchNorm, 94))
        );
        for other in ["conv2d_bn", "activation_3", "mixed10", "conv2d_transpose_1"] {
            assert_eq!(layer(other), None, "{other}");
        }
    }

    #[test]
    fn creation_order_covers_the_network() {
        let network = crate::inception_v3(Convention::Keras, None);
        let ours: std::collections::BTreeSet<_> = network
            .parameters()
            .into_iter()
            .filter_map(|(n, _)| n.strip_suffix(".conv.weight").map(str::to_owned))
            .collect();
        assert_eq!(ours, CREATION_ORDER.iter().map(|&n| n.to_owned()).collect());
    }
}

//! PyTorch state dicts: the zip archives of PyTorch 1.6 and later, and the plain files before.
//!
//! Nothing in the file is executed. A state dict may be wrapped in a checkpoint (`{"state_dict": ..., "epoch": ...}`).

mod objects;
mod pickle;
mod storages;

use std::collections::BTreeMap;

use self::{
    objects::{Pickle, Tensor, Value},
    storages::{LEGACY_MAGIC, Storages, ZIP_MAGIC},
};
use super::{Metadata, WeightTensor, Weights, element::Element, names};

/// What a storage holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Float(Element),
    /// Integers or truth values of that many bytes.
    Whole(usize),
}

impl Kind {
    /// By the storage class's name in Python.
    fn of_class(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => Self::Float(Element::F64),
            "FloatStorage" => Self::Float(Element::F32),
            "HalfStorage" => Self::Float(Element::F16),
            "BFloat16Storage" => Self::Float(Element::Bf16),
            "LongStorage" => Self::Whole(8),
            "IntStorage" => Self::Whole(4),
            "ShortStorage" => Self::Whole(2),
            "CharStorage" | "ByteStorage" | "BoolStorage" => Self::Whole(1),
            _ => return None,
        })
    }

    /// Bytes of one number.
    fn size(self) -> usize {
        match self {
            Self::Float(element) => element.size(),
            Self::Whole(size) => size,
        }
    }
}

/// Keys under which checkpoints keep the state dict.
const WRAPPERS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "weights"];

pub(super) fn detect(bytes: &[u8]) -> Result<(), String> {
    if bytes.starts_with(ZIP_MAGIC) || bytes.starts_with(LEGACY_MAGIC) {
        return Ok(());
    }
    Err("does not start as a zip archive or as PyTorch's older format".into())
}

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let (pickle, root, mut storages) = Storages::open(bytes)?;
    let entries = state_dict(&pickle, &root)?;
    let named = names::torchvision(
        entries
            .into_iter()
            .map(|(name, tensor)| (name.to_owned(), (name, tensor))),
    );
    // Views may share a storage or repeat it; all of them together may not be larger than the file.
    let mut allowed = bytes.len();
    let mut tensors = BTreeMap::new();
    for (name, (own_name, tensor)) in named {
        let data = values(tensor, &mut storages, &mut allowed)
            .map_err(|why| format!("tensor `{own_name}` {why}"))?;
        tensors.insert(
            name,
            WeightTensor {
                shape: tensor.shape.clone(),
                data,
            },
        );
    }
    Ok(Weights {
        tensors,
        metadata: Metadata::default(),
        source: String::new(),
    })
}

/// The dict whose values are tensors: the root, or what it holds under a usual name.
fn state_dict<'a>(pickle: &'a Pickle, root: &Value) -> Result<Vec<(&'a str, &'a Tensor)>, String> {
    let no_dict = "it holds no dict of tensors; save one in PyTorch: torch.save(model.state_dict(), \"weights.pth\")";
    let entries = pickle.dict(root).ok_or(no_dict)?;
    let tensors_of = |entries: &'a [(Value, Value)]| -> Vec<(&'a str, &'a Tensor)> {
        let named = entries.iter().filter_map(|(key, value)| match key {
            Value::Text(key) => pickle.tensor(value).map(|tensor| (&**key, tensor)),
            _ => None,
        });
        named.collect()
    };
    let own = tensors_of(entries);
    if !own.is_empty() {
        return Ok(own);
    }
    let under = |wrapper: &str| {
        let entry = entries
            .iter()
            .find(|(key, _)| matches!(key, Value::Text(key) if **key == *wrapper));
        entry
            .and_then(|(_, value)| pickle.dict(value))
            .map(tensors_of)
            .filter(|tensors| !tensors.is_empty())
    };
    WRAPPERS.into_iter().find_map(under).ok_or_else(|| {
        let text = |key: &'a Value| {
            if let Value::Text(key) = key {
                Some(&**key)
            } else {
                None
            }
        };
        let keys: Vec<&str> = entries.iter().filter_map(|(key, _)| text(key)).collect();
        format!(
            "no tensors under its keys ({}); looked for {}; {no_dict}",
            keys.join(", "),
            WRAPPERS.join(", ")
        )
    })
}

/// A tensor's numbers, last axis fastest, whatever its strides.
fn values(
    tensor: &Tensor,
    storages: &mut Storages<'_>,
    allowed: &mut usize,
) -> Result<Vec<f32>, String> {
    let Kind::Float(element) = tensor.storage.kind else {
        return Err("holds whole numbers; convert it to float32".into());
    };
    let bytes = storages.bytes(&tensor.storage)?;
    let count = tensor
        .shape
        .iter()
        .try_fold(1usize, |n, &side| n.checked_mul(side));
    let count = count.filter(|count| count <= allowed).ok_or_else(|| {
        format!(
            "has shape {:?}, more than the file can hold; the file is damaged",
            tensor.shape
        )
    })?;
    *allowed -= count;
    let outside = || {
        format!(
            "of shape {:?} reaches beyond its data; the file is damaged",
            tensor.shape
        )
    };
    if row_major(&tensor.shape, &tensor.strides) {
        let start = tensor
            .offset
            .checked_mul(element.size())
            .ok_or_else(outside)?;
        let part = bytes
            .get(start..)
            .and_then(|rest| rest.get(..count.checked_mul(element.size())?));
        return part.map(|part| element.decode(part)).ok_or_else(outside);
    }
    let mut data = Vec::with_capacity(count);
    let mut index = vec![0; tensor.shape.len()];
    for _ in 0..count {
        let place = index
            .iter()
            .zip(&tensor.strides)
            .try_fold(tensor.offset, |place, (&i, &stride): (&usize, _)| {
                place.checked_add(i.checked_mul(stride)?)
            });
        data.push(
            place
                .and_then(|place| element.get(bytes, place))
                .ok_or_else(outside)?,
        );
        for (i, &side) in index.iter_mut().zip(&tensor.shape).rev() {
            *i += 1;
            if *i < side {
                break;
            }
            *i = 0;
        }
    }
    Ok(data)
}

/// Do the numbers lie one after the other? The stride of an axis of length 1 does not matter.
fn row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1usize;
    shape.iter().zip(strides).rev().all(|(&side, &stride)| {
        let fits = side == 1 || stride == step;
        step = step.saturating_mul(side);
        fits
    })
}

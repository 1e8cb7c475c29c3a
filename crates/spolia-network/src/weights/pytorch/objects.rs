//! The Python objects that a state dict is made of, as far as they matter here.

use std::{collections::BTreeMap, rc::Rc};

use super::Kind;

/// A Python object.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// None, a float, bytes: nothing that a state dict needs.
    Other,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    /// A tuple or list, by its index.
    Sequence(usize),
    /// By its index.
    Dict(usize),
    Function(Function),
    /// By its index.
    Storage(usize),
    /// By its index.
    Tensor(usize),
}

/// The functions and classes that are known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    Size,
    Storage(Kind),
}

/// An array of numbers in the file.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    pub kind: Kind,
    /// Its name in the file.
    pub key: Rc<str>,
    /// Number of numbers.
    pub len: usize,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(super) struct Tensor {
    pub storage: Storage,
    /// First number's place.
    pub offset: usize,
    pub shape: Vec<usize>,
    /// Steps in the storage, numbers.
    pub strides: Vec<usize>,
}

/// A finished pickle.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    pub(super) sequences: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
    pub(super) storages: Vec<Storage>,
    pub(super) tensors: Vec<Tensor>,
}

impl Pickle {
    /// A dict's entries, in order.
    pub(super) fn dict(&self, value: &Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(index) => self.dicts.get(*index).map(Vec::as_slice),
            _ => None,
        }
    }

    /// A tuple's or list's items.
    pub(super) fn sequence(&self, value: &Value) -> Option<&[Value]> {
        match value {
            Value::Sequence(index) => self.sequences.get(*index).map(Vec::as_slice),
            _ => None,
        }
    }

    pub(super) fn tensor(&self, value: &Value) -> Option<&Tensor> {
        match value {
            Value::Tensor(index) => self.tensors.get(*index),
            _ => None,
        }
    }

    /// Bytes of one number of each storage, by key.
    pub(super) fn storage_sizes(&self) -> BTreeMap<&str, usize> {
        self.storages
            .iter()
            .map(|s| (&*s.key, s.kind.size()))
            .collect()
    }

    pub(super) fn new_sequence(&mut self, items: Vec<Value>) -> Value {
        self.sequences.push(items);
        Value::Sequence(self.sequences.len() - 1)
    }

    pub(super) fn new_dict(&mut self) -> usize {
        self.dicts.push(Vec::new());
        self.dicts.len() - 1
    }
}

/// What to do about a file that is more than a state dict.
pub(super) const SAVE_AGAIN: &str =
    "save the parameters alone in PyTorch: torch.save(model.state_dict(), \"weights.pth\")";

/// The function or class of that name.
pub(super) fn function(module: &str, name: &str) -> Result<Function, String> {
    let storage = Kind::of_class(name).filter(|_| module == "torch");
    match (module, name) {
        ("collections", "OrderedDict") => Ok(Function::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Ok(Function::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Ok(Function::RebuildParameter),
        ("torch", "Size") => Ok(Function::Size),
        _ => storage.map(Function::Storage).ok_or_else(|| {
            format!("it holds a Python object `{module}.{name}`, which is not rebuilt here; {SAVE_AGAIN}")
        }),
    }
}

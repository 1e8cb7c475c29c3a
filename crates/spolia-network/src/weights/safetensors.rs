//! safetensors, the format that everything here is written in.
//!
//! The header's `__metadata__` holds the whole story as JSON under `spolia`, and its main parts once more under keys
//! that a person reads: `architecture`, `convention`, `classes`, `license`, `provenance`.
//!
//! One variant is read besides: 8-bit tensors (`U8`) with `quantization` in `__metadata__`, a JSON object
//! `{"tensor": {"scale": s, "min": m}}`. Their values are `byte * s + m` in f32, both operations rounded. The starter
//! weights come like that, at a quarter of the size.

use std::{collections::BTreeMap, io::Write, path::Path};

use safetensors::{
    SafeTensors,
    tensor::{Dtype, TensorView},
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};

use super::{Metadata, WeightTensor, Weights, atomic, element::Element, names};
use crate::{Convention, Error};

/// The header's length must be given in the first eight bytes; longer ones are not headers.
const LONGEST_HEADER: u64 = 100_000_000;

/// How one 8-bit tensor maps to numbers.
#[derive(Deserialize)]
struct Quantization {
    scale: f32,
    min: f32,
}

pub(super) fn detect(bytes: &[u8]) -> Result<(), String> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!("{} bytes, too short for a header", bytes.len()));
    };
    if u64::from_le_bytes(*length) > LONGEST_HEADER {
        return Err("does not start with a header's length".into());
    }
    if rest.first() != Some(&b'{') {
        return Err("no header after the first 8 bytes".into());
    }
    Ok(())
}

pub(super) fn read(bytes: &[u8]) -> Result<Weights, String> {
    let damaged = |e| format!("{e}; the file is cut short or damaged, download or copy it again");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let keys: BTreeMap<&str, &str> = header
        .metadata()
        .iter()
        .flatten()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let quantization: BTreeMap<String, Quantization> = match keys.get("quantization") {
        Some(json) => {
            serde_json::from_str(json).map_err(|e| format!("`quantization` in the header: {e}"))?
        }
        None => BTreeMap::new(),
    };
    let caffe = names::is_caffe(file.names().into_iter());
    let views = names::torchvision(
        file.tensors()
            .into_iter()
            .map(|(name, view)| (name.clone(), (name, view))),
    );
    let mut tensors = BTreeMap::new();
    for (name, (own_name, view)) in views {
        let data = values(&view, quantization.get(&own_name))
            .map_err(|why| format!("tensor `{own_name}` {why}"))?;
        tensors.insert(
            name,
            WeightTensor {
                shape: view.shape().to_vec(),
                data,
            },
        );
    }
    let mut metadata = metadata(&keys)?;
    if caffe {
        // Files with Caffe's names take Caffe's images.
        metadata.convention.get_or_insert(Convention::Caffe);
    }
    Ok(Weights {
        tensors,
        metadata,
        source: String::new(),
    })
}

/// A tensor's numbers.
fn values(view: &TensorView<'_>, quantization: Option<&Quantization>) -> Result<Vec<f32>, String> {
    let element = match (view.dtype(), quantization) {
        (Dtype::U8, Some(q)) => {
            return Ok(view
                .data()
                .iter()
                .map(|&v| f32::from(v) * q.scale + q.min)
                .collect());
        }
        (Dtype::U8, None) => {
            return Err(
                "is 8-bit, but the header's `quantization` has no scale for it; convert it to F32"
                    .into(),
            );
        }
        (Dtype::F64, _) => Element::F64,
        (Dtype::F32, _) => Element::F32,
        (Dtype::F16, _) => Element::F16,
        (Dtype::BF16, _) => Element::Bf16,
        (other, _) => return Err(format!("holds {other:?}; convert it to F32, F16 or BF16")),
    };
    Ok(element.decode(view.data()))
}

/// Our own story, or what a file of another origin says under the readable keys.
fn metadata(keys: &BTreeMap<&str, &str>) -> Result<Metadata, String> {
    if let Some(json) = keys.get("spolia") {
        return serde_json::from_str(json)
            .map_err(|e| format!("`spolia` in the header: {e}; write the file again"));
    }
    Ok(Metadata {
        architecture: keys.get("architecture").map(|&s| s.to_owned()),
        convention: keys.get("convention").and_then(|s| s.parse().ok()),
        license: keys.get("license").map(|&s| s.to_owned()),
        provenance: keys
            .get("provenance")
            .or(keys.get("source"))
            .map(|&s| s.to_owned()),
        ..Metadata::default()
    })
}

/// A tensor's place in the file.
#[derive(Serialize)]
struct Entry<'a> {
    dtype: &'static str,
    shape: &'a [usize],
    data_offsets: [usize; 2],
}

/// The header: `__metadata__`, then the tensors by name. The safetensors crate would write the metadata in the random
/// order of a hash map.
struct Header<'a> {
    metadata: BTreeMap<&'static str, String>,
    tensors: &'a BTreeMap<String, WeightTensor>,
}

impl Serialize for Header<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("__metadata__", &self.metadata)?;
        let mut offset = 0;
        for (name, tensor) in self.tensors {
            let end = offset + 4 * tensor.data.len();
            map.serialize_entry(
                name,
                &Entry {
                    dtype: "F32",
                    shape: &tensor.shape,
                    data_offsets: [offset, end],
                },
            )?;
            offset = end;
        }
        map.end()
    }
}

impl Weights {
    /// Writes the weights as safetensors (F32, little-endian) with their metadata in the header. The same weights give
    /// the same bytes. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be written, [`Error::Shape`] where a tensor's number of values is not that of its
    /// shape.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        for (name, tensor) in &self.tensors {
            if tensor.shape.iter().product::<usize>() != tensor.data.len() {
                return Err(Error::Shape {
                    what: format!("{}: tensor `{name}`", path.display()),
                    expected: format!("values for {:?}", tensor.shape),
                    got: tensor.data.len().to_string(),
                });
            }
        }
        let io = |source| Error::Io {
            path: path.into(),
            source,
        };
        let json = |e: serde_json::Error| io(e.into());
        let story = &self.metadata;
        let mut metadata =
            BTreeMap::from([("spolia", serde_json::to_string(story).map_err(json)?)]);
        if !story.classes.is_empty() {
            metadata.insert("classes", story.classes.join(","));
        }
        let convention = story.convention.map(|c| c.to_string());
        for (key, value) in [
            ("architecture", &story.architecture),
            ("convention", &convention),
            ("license", &story.license),
            ("provenance", &story.provenance),
        ] {
            metadata.extend(value.clone().map(|v| (key, v)));
        }
        let mut header = serde_json::to_vec(&Header {
            metadata,
            tensors: &self.tensors,
        })
        .map_err(json)?;
        // The format asks that the data start at a multiple of eight bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        atomic::write_whole(path, |file| {
            file.write_all(&(header.len() as u64).to_le_bytes())
                .map_err(io)?;
            file.write_all(&header).map_err(io)?;
            for value in self.tensors.values().flat_map(|t| &t.data) {
                file.write_all(&value.to_le_bytes()).map_err(io)?;
            }
            Ok(())
        })
    }
}

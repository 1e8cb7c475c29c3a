//! Where a PyTorch file keeps its numbers.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
};

use zip::{CompressionMethod, ZipArchive};

use super::{
    objects::{Pickle, Storage, Value},
    pickle::unpickle,
};

/// How a zip archive starts.
pub(super) const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// How a file of PyTorch before 1.6 starts: a pickled magic number.
pub(super) const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The pickle describes the tensors and holds none of their numbers: a large network's takes some 100 kB.
const LONGEST_PICKLE: usize = 16 << 20;

/// The arrays of numbers in a file.
pub(super) enum Storages<'a> {
    Zip {
        file: &'a [u8],
        archive: ZipArchive<Cursor<&'a [u8]>>,
        /// What comes before `data/KEY`.
        prefix: String,
        /// Those whose checksum was seen to be right.
        checked: BTreeMap<String, &'a [u8]>,
    },
    /// By key.
    Legacy(BTreeMap<String, &'a [u8]>),
}

impl<'a> Storages<'a> {
    /// Reads the file's pickle; also gives its root.
    pub(super) fn open(file: &'a [u8]) -> Result<(Pickle, Value, Self), String> {
        if file.starts_with(ZIP_MAGIC) {
            open_zip(file)
        } else {
            open_legacy(file)
        }
    }

    /// The bytes of a storage.
    pub(super) fn bytes(&mut self, storage: &Storage) -> Result<&'a [u8], String> {
        let key: &str = &storage.key;
        let bytes = match self {
            Self::Legacy(records) => records.get(key).copied(),
            Self::Zip {
                file,
                archive,
                prefix,
                checked,
            } => match checked.get(key) {
                Some(bytes) => Some(*bytes),
                None => {
                    let bytes = record(file, archive, &format!("{prefix}data/{key}"))?;
                    checked.insert(key.to_owned(), bytes);
                    Some(bytes)
                }
            },
        };
        let bytes = bytes.ok_or_else(|| {
            format!("refers to data `{key}`, which the file lacks; it is damaged")
        })?;
        let wanted = storage.len.checked_mul(storage.kind.size());
        if wanted.is_none_or(|wanted| wanted > bytes.len()) {
            return Err(format!(
                "should have {} numbers, but its data `{key}` has {} bytes; the file is cut short or damaged",
                storage.len,
                bytes.len()
            ));
        }
        Ok(bytes)
    }
}

fn open_zip(file: &[u8]) -> Result<(Pickle, Value, Storages<'_>), String> {
    let cut = |e| format!("{e}; the file is cut short or damaged, download or copy it again");
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(cut)?;
    let pickle_name = archive
        .file_names()
        .find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"));
    let pickle_name = pickle_name.map(str::to_owned).ok_or(
        "a zip archive without data.pkl, so not a PyTorch file; a Keras .keras file is saved as .h5 for use here: \
         model.save_weights(\"model.weights.h5\")",
    )?;
    let prefix = pickle_name
        .strip_suffix("data.pkl")
        .unwrap_or_default()
        .to_owned();
    if let Ok(mut order) = archive.by_name(&format!("{prefix}byteorder")) {
        let mut text = String::new();
        let read = order.by_ref().take(8).read_to_string(&mut text);
        if read.is_err() || text.trim() != "little" {
            return Err("its numbers are big-endian; save it again on another machine".into());
        }
    }
    let mut pickle = Vec::new();
    let entry = archive.by_name(&pickle_name).map_err(cut)?;
    entry
        .take(LONGEST_PICKLE as u64 + 1)
        .read_to_end(&mut pickle)
        .map_err(|e| cut(e.into()))?;
    if pickle.len() > LONGEST_PICKLE {
        return Err("its data.pkl is longer than any state dict's".into());
    }
    let (pickle, root, _) = unpickle(&pickle)?;
    Ok((
        pickle,
        root,
        Storages::Zip {
            file,
            archive,
            prefix,
            checked: BTreeMap::new(),
        },
    ))
}

/// A record of the archive, checksum compared. PyTorch stores records as they are, so their bytes lie in the file.
fn record<'a>(
    file: &'a [u8],
    archive: &mut ZipArchive<Cursor<&'a [u8]>>,
    name: &str,
) -> Result<&'a [u8], String> {
    let mut entry = archive
        .by_name(name)
        .map_err(|e| format!("refers to `{name}`: {e}"))?;
    if entry.compression() != CompressionMethod::Stored {
        return Err(format!(
            "refers to `{name}`, which is compressed; save the file again with torch.save"
        ));
    }
    let size = usize::try_from(entry.size()).ok();
    let start = entry
        .data_start()
        .and_then(|start| usize::try_from(start).ok());
    let bytes = start
        .and_then(|start| file.get(start..))
        .and_then(|rest| rest.get(..size?));
    let bytes = bytes.ok_or_else(|| {
        format!("refers to `{name}`, which reaches beyond the file; it is cut short")
    })?;
    io::copy(&mut entry, &mut io::sink()).map_err(|e| {
        format!("refers to `{name}`: {e}; the file is damaged, download or copy it again")
    })?;
    Ok(bytes)
}

/// Four pickles (magic number, protocol, machine, state dict), a pickled list of storage keys, then each storage: its
/// length in numbers (8 bytes) and its numbers.
fn open_legacy(file: &[u8]) -> Result<(Pickle, Value, Storages<'_>), String> {
    let mut at = LEGACY_MAGIC.len();
    let mut next = || {
        let (pickle, value, length) = unpickle(&file[at..file.len().min(at + LONGEST_PICKLE)])?;
        at += length;
        Ok::<_, String>((pickle, value))
    };
    next()?;
    let (machine, about) = next()?;
    let little = machine
        .dict(&about)
        .into_iter()
        .flatten()
        .find_map(|(key, value)| match (key, value) {
            (Value::Text(key), Value::Bool(little)) if **key == *"little_endian" => Some(*little),
            _ => None,
        });
    if little == Some(false) {
        return Err("its numbers are big-endian; save it again on another machine".into());
    }
    let (pickle, root) = next()?;
    let (list, keys) = next()?;
    let keys = list
        .sequence(&keys)
        .ok_or("its list of storages is none; the file is damaged")?;
    let sizes = pickle.storage_sizes();
    let mut records = BTreeMap::new();
    let mut rest = &file[at..];
    for key in keys {
        let Value::Text(key) = key else {
            return Err("a storage's name is no text; the file is damaged".into());
        };
        let size = sizes
            .get(&**key)
            .ok_or_else(|| format!("no tensor uses its data `{key}`; the file is damaged"))?;
        let cut = || {
            format!(
                "its data `{key}` ends too early; the file is cut short, download or copy it again"
            )
        };
        let (length, data) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .and_then(|n| n.checked_mul(*size));
        let (data, after) = length
            .and_then(|length| data.split_at_checked(length))
            .ok_or_else(cut)?;
        records.insert((**key).to_owned(), data);
        rest = after;
    }
    Ok((pickle, root, Storages::Legacy(records)))
}

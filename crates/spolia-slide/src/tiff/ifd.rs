//! Image file directories of TIFF and BigTIFF.
//!
//! The `tiff` crate opens a file by decoding its first directory and refuses there what it does
//! not know (JPEG 2000), reads through one position (no two threads at once) and takes a tile of
//! no bytes for damage; so directories are parsed here, and tiles are read by position.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::source::Source;
use super::tags::{self, Tag};
use super::{Fault, fault::DAMAGED};

/// More directories than any slide has.
const MOST_DIRECTORIES: u64 = 4_096;
/// More tags than any directory has.
const MOST_ENTRIES: u64 = 4_096;
/// A description longer than this is not read (Philips' XML with its images stays below 10 MB).
const MOST_TEXT: u64 = 64 << 20;

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    count: u64,
    /// Where the values lie: in the directory itself, where they fit there.
    offset: u64,
}

impl Entry {
    /// Bytes of one value; `None` for a type that TIFF does not have.
    fn size(self) -> Option<u64> {
        Some(match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 | 16..=18 => 8,
            _ => return None,
        })
    }
}

/// One directory.
#[derive(Debug)]
pub(crate) struct Directory {
    /// Its number in the order it was met.
    pub(crate) index: usize,
    entries: BTreeMap<u16, Entry>,
    /// Directories below it (SubIFDs): the pyramid of an OME-TIFF.
    pub(crate) below: Vec<Directory>,
}

impl Directory {
    pub(crate) fn has(&self, tag: Tag) -> bool {
        self.entries.contains_key(&tag.0)
    }
}

/// A TIFF file with its directories.
#[derive(Debug)]
pub(crate) struct Tiff {
    pub(crate) source: Source,
    big_endian: bool,
    /// BigTIFF: offsets of eight bytes.
    big: bool,
    pub(crate) directories: Vec<Directory>,
}

/// A fault and the directory that has it.
pub(crate) type At = (usize, Fault);

impl Tiff {
    /// Opens a file; `Ok(None)` when its first bytes are not those of a TIFF.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, At> {
        let source = Source::open(path).map_err(|e| (0, e.into()))?;
        let at = |fault| (0, fault);
        if source.len() < 8 {
            return Ok(None);
        }
        let head = source.read(0, 8, "the header").map_err(at)?;
        let big_endian = match &head[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Ok(None),
        };
        let mut file = Self {
            source,
            big_endian,
            big: false,
            directories: Vec::new(),
        };
        let first = match file.int(&head[2..4]) {
            42 => file.int(&head[4..8]),
            43 if file.int(&head[4..6]) == 8 => {
                file.big = true;
                let rest = file.source.read(8, 8, "the header").map_err(at)?;
                file.int(&rest)
            }
            _ => return Ok(None),
        };
        file.directories = file.chain(first)?;
        Ok(Some(file))
    }

    fn int(&self, bytes: &[u8]) -> u64 {
        let fold = |acc: u64, byte: &u8| acc << 8 | u64::from(*byte);
        if self.big_endian {
            bytes.iter().fold(0, fold)
        } else {
            bytes.iter().rev().fold(0, fold)
        }
    }

    fn chain(&self, first: u64) -> Result<Vec<Directory>, At> {
        let mut seen = HashSet::new();
        let mut read = Vec::new();
        let mut index = 0;
        let mut next = first;
        while next != 0 {
            let (mut directory, after) = self.directory(next, index, &mut seen)?;
            index += 1;
            let offsets = if directory.has(tags::SUB_IFDS) {
                self.ints(&directory, tags::SUB_IFDS, MOST_DIRECTORIES)
                    .map_err(|fault| (directory.index, fault))?
            } else {
                Vec::new()
            };
            for offset in offsets.into_iter().filter(|&offset| offset != 0) {
                let (sub, _) = self.directory(offset, index, &mut seen)?;
                directory.below.push(sub);
                index += 1;
            }
            read.push(directory);
            next = after;
        }
        if read.is_empty() {
            return Err((
                0,
                Fault::NoLevel {
                    reason: "the file has no directory",
                },
            ));
        }
        Ok(read)
    }

    fn directory(
        &self,
        offset: u64,
        index: usize,
        seen: &mut HashSet<u64>,
    ) -> Result<(Directory, u64), At> {
        let at = |fault| (index, fault);
        if !seen.insert(offset) {
            return Err(at(Fault::Loop { offset }));
        }
        if seen.len() as u64 > MOST_DIRECTORIES {
            let count = seen.len() as u64;
            return Err(at(Fault::TooMany {
                what: "directories",
                count,
                most: MOST_DIRECTORIES,
            }));
        }
        let (head, size, wide) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let count = self.int(&self.source.read(offset, head, "a directory").map_err(at)?);
        if count > MOST_ENTRIES {
            return Err(at(Fault::TooMany {
                what: "tags",
                count,
                most: MOST_ENTRIES,
            }));
        }
        let start = offset + head;
        let bytes = self
            .source
            .read(start, count * size + wide, "a directory")
            .map_err(at)?;
        let (table, after) = bytes.split_at((count * size) as usize);
        let mut entries = BTreeMap::new();
        for (i, bytes) in table.chunks_exact(size as usize).enumerate() {
            let (tag, rest) = bytes.split_at(2);
            let (kind, rest) = rest.split_at(2);
            let (many, value) = rest.split_at(wide as usize);
            let mut entry = Entry {
                kind: self.int(kind) as u16,
                count: self.int(many),
                offset: self.int(value),
            };
            let Some(each) = entry.size() else { continue };
            if entry.count.saturating_mul(each) <= wide {
                entry.offset = start + i as u64 * size + 4 + wide;
            }
            entries.insert(self.int(tag) as u16, entry);
        }
        Ok((
            Directory {
                index,
                entries,
                below: Vec::new(),
            },
            self.int(after),
        ))
    }

    fn values(&self, entry: Entry, most: u64, tag: Tag) -> Result<(Vec<u8>, usize), Fault> {
        let missing = Fault::Missing {
            tag: tag.0,
            name: tag.1,
        };
        let size = entry.size().ok_or(missing)?;
        if entry.count > most {
            return Err(Fault::TooMany {
                what: tag.1,
                count: entry.count,
                most,
            });
        }
        let bytes = self
            .source
            .read(entry.offset, entry.count.saturating_mul(size), tag.1)?;
        Ok((bytes, size as usize))
    }

    /// All values of a tag of whole numbers, at most `most` of them.
    pub(crate) fn ints(&self, dir: &Directory, tag: Tag, most: u64) -> Result<Vec<u64>, Fault> {
        let missing = Fault::Missing {
            tag: tag.0,
            name: tag.1,
        };
        match dir.entries.get(&tag.0) {
            Some(&entry) if matches!(entry.kind, 1 | 3 | 4 | 7 | 13 | 16 | 18) => {
                let (bytes, size) = self.values(entry, most, tag)?;
                Ok(bytes
                    .chunks_exact(size)
                    .map(|value| self.int(value))
                    .collect())
            }
            _ => Err(missing),
        }
    }

    /// The first value of a tag, or `default` where the tag is not there.
    pub(crate) fn int_or(&self, dir: &Directory, tag: Tag, default: u64) -> Result<u64, Fault> {
        if !dir.has(tag) {
            return Ok(default);
        }
        Ok(self
            .ints(dir, tag, 1 << 16)?
            .first()
            .copied()
            .unwrap_or(default))
    }

    /// The first value of a tag that must be there.
    pub(crate) fn required(&self, dir: &Directory, tag: Tag) -> Result<u64, Fault> {
        let missing = Fault::Missing {
            tag: tag.0,
            name: tag.1,
        };
        self.ints(dir, tag, 1 << 16)?
            .first()
            .copied()
            .ok_or(missing)
    }

    /// Bytes of a tag, as they lie in the file.
    pub(crate) fn bytes(&self, dir: &Directory, tag: Tag) -> Result<Option<Vec<u8>>, Fault> {
        match dir.entries.get(&tag.0) {
            Some(&entry) if entry.size() == Some(1) => self
                .values(entry, MOST_TEXT, tag)
                .map(|(bytes, _)| Some(bytes)),
            _ => Ok(None),
        }
    }

    /// Text of a tag, up to its first zero byte; what is not UTF-8 in it is replaced.
    pub(crate) fn text(&self, dir: &Directory, tag: Tag) -> Result<Option<String>, Fault> {
        Ok(self.bytes(dir, tag)?.map(|bytes| {
            let end = bytes
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(bytes.len());
            String::from_utf8_lossy(&bytes[..end]).into_owned()
        }))
    }

    /// A tag that is a fraction or a number; `None` where it is missing or no finite number.
    pub(crate) fn number(&self, dir: &Directory, tag: Tag) -> Option<f64> {
        let entry = *dir.entries.get(&tag.0)?;
        let (bytes, size) = self.values(entry, 16, tag).ok()?;
        let first = bytes.get(..size)?;
        let value = match entry.kind {
            5 => self.int(&first[..4]) as f64 / self.int(&first[4..]) as f64,
            11 => f64::from(f32::from_bits(self.int(first) as u32)),
            12 => f64::from_bits(self.int(first)),
            1 | 3 | 4 | 16 => self.int(first) as f64,
            _ => return None,
        };
        value.is_finite().then_some(value)
    }

    /// Offsets or byte counts of all tiles or strips: exactly `expected` of them.
    pub(crate) fn table(
        &self,
        dir: &Directory,
        tag: Tag,
        expected: u64,
    ) -> Result<Vec<u64>, Fault> {
        let values = self.ints(dir, tag, expected)?;
        if values.len() as u64 != expected {
            return Err(Fault::Value {
                tag: tag.0,
                name: tag.1,
                value: values.len() as u64,
                expected: "one value for each tile or strip",
                remedy: DAMAGED,
            });
        }
        Ok(values)
    }

    /// Whether values of more than one byte are stored with the high byte first.
    pub(crate) fn big_endian(&self) -> bool {
        self.big_endian
    }
}

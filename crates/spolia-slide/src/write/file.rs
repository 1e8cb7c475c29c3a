//! The bytes of a TIFF around its tiles: header and directories, little-endian.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};

use crate::tiff::tags::Tag;

/// Values of a tag.
pub(crate) enum Values {
    Text(String),
    Bytes(Vec<u8>),
    Short(Vec<u16>),
    Long(Vec<u32>),
    Fraction(u32, u32),
    /// Offsets or byte counts: 8 bytes each in BigTIFF, else 4.
    Offsets(Vec<u64>),
}

/// A TIFF being written.
pub(crate) struct TiffFile {
    out: BufWriter<File>,
    at: u64,
    big: bool,
    /// Where the offset of the next directory is to be written.
    link: u64,
}

impl TiffFile {
    pub(crate) fn new(file: File, big: bool) -> io::Result<Self> {
        let mut out = BufWriter::new(file);
        let header: &[u8] = if big {
            &[b'I', b'I', 43, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        } else {
            &[b'I', b'I', 42, 0, 0, 0, 0, 0]
        };
        out.write_all(header)?;
        Ok(Self {
            out,
            at: header.len() as u64,
            big,
            link: if big { 8 } else { 4 },
        })
    }

    /// Appends bytes and tells where they lie: at an even offset, as the format asks.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<u64> {
        if self.at % 2 == 1 {
            self.out.write_all(&[0])?;
            self.at += 1;
        }
        let offset = self.at;
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        if !self.big && self.at > u64::from(u32::MAX) {
            return Err(io::Error::other("4 GiB are full; write a BigTIFF"));
        }
        Ok(offset)
    }

    fn word(&self, value: u64) -> Vec<u8> {
        let bytes = value.to_le_bytes();
        bytes[..if self.big { 8 } else { 4 }].to_vec()
    }

    /// Appends a directory, its tags in ascending order, and links it to the one before.
    pub(crate) fn directory(&mut self, tags: Vec<(Tag, Values)>) -> io::Result<()> {
        let wide = if self.big { 8 } else { 4 };
        let mut table = if self.big {
            (tags.len() as u64).to_le_bytes().to_vec()
        } else {
            (tags.len() as u16).to_le_bytes().to_vec()
        };
        for (tag, values) in tags {
            let (kind, count, mut bytes): (u16, usize, Vec<u8>) = match values {
                Values::Text(text) => (2, text.len() + 1, [text.as_bytes(), &[0]].concat()),
                Values::Bytes(bytes) => (7, bytes.len(), bytes),
                Values::Short(v) => (3, v.len(), v.iter().flat_map(|v| v.to_le_bytes()).collect()),
                Values::Long(v) => (4, v.len(), v.iter().flat_map(|v| v.to_le_bytes()).collect()),
                Values::Fraction(a, b) => (5, 1, [a.to_le_bytes(), b.to_le_bytes()].concat()),
                Values::Offsets(v) => {
                    let kind = if self.big { 16 } else { 4 };
                    (
                        kind,
                        v.len(),
                        v.iter().flat_map(|&v| self.word(v)).collect(),
                    )
                }
            };
            table.extend(tag.0.to_le_bytes());
            table.extend(kind.to_le_bytes());
            table.extend(self.word(count as u64));
            if bytes.len() > wide {
                let offset = self.append(&bytes)?;
                table.extend(self.word(offset));
            } else {
                bytes.resize(wide, 0);
                table.extend(bytes);
            }
        }
        let end = table.len() as u64;
        table.extend(self.word(0));
        let offset = self.append(&table)?;
        let target = self.word(offset);
        self.out.seek(SeekFrom::Start(self.link))?;
        self.out.write_all(&target)?;
        self.out.seek(SeekFrom::Start(self.at))?;
        self.link = offset + end;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

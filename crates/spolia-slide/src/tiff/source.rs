//! Positioned reads of a file, each checked against its length before memory is taken.

use std::fs::File;
use std::path::Path;

use super::Fault;

/// A file open for reading from several threads at once: it has no position to share.
#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    len: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, len })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The fault of `what` when `[offset, offset + len)` is not inside the file.
    pub(crate) fn check(&self, offset: u64, len: u64, what: &'static str) -> Result<(), Fault> {
        let end = offset.saturating_add(len);
        if end > self.len {
            return Err(Fault::Truncated {
                what,
                end,
                len: self.len,
            });
        }
        Ok(())
    }

    pub(crate) fn read(&self, offset: u64, len: u64, what: &'static str) -> Result<Vec<u8>, Fault> {
        self.check(offset, len, what)?;
        let size = usize::try_from(len).map_err(|_| Fault::TooMany {
            what: "bytes in one block",
            count: len,
            most: usize::MAX as u64,
        })?;
        let mut bytes = vec![0; size];
        self.fill(offset, &mut bytes)?;
        Ok(bytes)
    }

    #[cfg(unix)]
    fn fill(&self, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, offset)
    }

    #[cfg(windows)]
    fn fill(&self, mut offset: u64, mut bytes: &mut [u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            let n = std::os::windows::fs::FileExt::seek_read(&self.file, bytes, offset)?;
            if n == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            offset += n as u64;
            bytes = &mut bytes[n..];
        }
        Ok(())
    }
}

//! One run at a time in a folder.
//!
//! The system's own file lock is taken where the file system has one: it ends with the process,
//! however that ends. On file systems without it (some cluster scratch disks) the process id in the
//! lock file decides: the lock of a process that is gone is stale.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::error::RunFolderError;

/// Name of the lock file.
pub(super) const NAME: &str = ".lock";

/// Held until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a run folder.
    pub fn take(folder: &Path) -> Result<Lock, RunFolderError> {
        let path = folder.join(NAME);
        let failed = |source| RunFolderError::unwritable(folder, source);
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let mut holder = String::new();
        // A damaged lock file names nobody.
        let _ = file.read_to_string(&mut holder);
        let free = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => is_stale(&holder),
        };
        if !free {
            let holder = match holder.trim() {
                "" => "an unknown process".to_string(),
                holder => format!("process {holder}"),
            };
            return Err(RunFolderError::Locked {
                folder: folder.to_path_buf(),
                lock: path,
                holder,
            });
        }
        let mine = format!("{} on {}\n", std::process::id(), host());
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(mine.as_bytes())?;
            file.sync_all()
        };
        write(&mut file).map_err(failed)?;
        Ok(Lock { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty lock file is a free one; it stays, since removing it would race with a newcomer.
        let _ = self.file.set_len(0);
    }
}

/// Whether the holder `PID on HOST` is gone. A process of another machine counts as alive.
fn is_stale(holder: &str) -> bool {
    let Some((pid, on)) = holder.trim().split_once(" on ") else {
        return true;
    };
    let here = on == host();
    here && !alive(pid)
}

#[cfg(target_os = "linux")]
fn alive(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[cfg(not(target_os = "linux"))]
fn alive(_pid: &str) -> bool {
    true
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name = name
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_default();
    match name.trim() {
        "" => "this machine".to_string(),
        name => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_a_process_that_is_gone_is_stale() {
        let here = host();
        assert!(is_stale(""));
        assert!(is_stale(&format!("4194399 on {here}\n"))); // beyond the largest pid of Linux
        assert!(!is_stale(&format!("{} on {here}\n", std::process::id())));
        assert!(!is_stale("1 on another-machine\n"));
    }
}

//! What the targets share: files in memory, and what is done with annotations.

use std::path::PathBuf;

use spolia_slide::annotation::{Annotations, LabelRule, Scheme};

/// Writes the input where it costs least; a file for each process.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let path = folder.join(format!("spolia-fuzz-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).expect("the folder of temporary files can be written");
    path
}

/// All that is asked of annotations; what was read is read again from what is written of it.
pub fn annotations(text: &str) {
    let Ok(read) = Annotations::parse(text) else {
        return;
    };
    let _ = read.problems(Some((4_096, 4_096)));
    let scheme = Scheme::default();
    let _ = read.unknown_groups(&scheme);
    let tumor = read.tumor(&scheme);
    let (label, share) = LabelRule::default().label(&tumor, 100.0, 100.0, 256.0, 224);
    assert!((0.0..=1.0).contains(&share), "{label:?} {share}");
    for written in [read.to_asap(), read.to_geojson()] {
        if let Err(error) = Annotations::parse(&written) {
            panic!("{error}: {written}");
        }
    }
}

//! HDF5 patches: PCam's, CLAM's and the Camelyon layout.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spolia_dataset::{Reader, ResolveOptions, resolve};

fuzz_target!(|bytes: &[u8]| {
    let path = spolia_fuzz::file("test_x.h5", bytes);
    let Ok((table, _)) = resolve(&path, &ResolveOptions::default()) else {
        return;
    };
    let reader = Reader::new();
    for patch in table.patches().iter().take(4) {
        let _ = reader.read(patch);
    }
});

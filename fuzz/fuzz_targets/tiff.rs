//! Slides: TIFF, BigTIFF, and the vendors' descriptions inside of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spolia_slide::Slide;

fuzz_target!(|bytes: &[u8]| {
    let Ok(slide) = Slide::open(spolia_fuzz::file("slide.tif", bytes)) else {
        return;
    };
    for level in 0..slide.levels().len().min(4) {
        let _ = slide.region(level, -8, 8, 96, 64);
    }
    let _ = slide.region_at(1.0, 0, 0, 64, 64);
    let (width, height) = slide.dimensions();
    // A large slide is long to read, not hard.
    if width.saturating_mul(height) < 1 << 22 {
        let _ = slide.thumbnail(64);
    }
    let names: Vec<String> = slide.associated().map(str::to_owned).collect();
    for name in names {
        let _ = slide.associated_image(&name);
    }
});

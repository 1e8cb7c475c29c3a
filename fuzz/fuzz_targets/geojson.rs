//! QuPath GeoJSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| spolia_fuzz::annotations(text));

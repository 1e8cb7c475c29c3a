//! Finds tissue on a slide, draws patches from it, and writes the picture to check.
//!
//!     cargo run --release -p spolia-slide --example tissue -- SLIDE OUT.png [ANNOTATIONS]

use spolia_slide::Slide;
use spolia_slide::annotation::{Annotations, Scheme};
use spolia_slide::patches::{self, Resolved, Sampling};
use spolia_slide::tissue::{self, Flags, Mask};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (slide, out, annotations) = match arguments.as_slice() {
        [slide, out] => (slide, out, None),
        [slide, out, annotations] => (slide, out, Some(annotations)),
        _ => return Err("usage: tissue SLIDE OUT.png [ANNOTATIONS]".into()),
    };
    let slide = Slide::open(slide)?;
    let tumor = match annotations {
        Some(path) => Some(Annotations::read(path)?.tumor(&Scheme::default())),
        None => None,
    };
    let mask = Mask::find(&slide, &tissue::Options::default())?;
    println!(
        "threshold {}, tissue {:.3}",
        mask.threshold(),
        mask.total_share()
    );
    if let Some(reason) = mask.empty_reason() {
        println!("{reason}");
    }
    println!("{:?}", Flags::of(&slide, &mask)?);
    let resolved = match slide.mpp() {
        Some(_) => Resolved::Mpp(1.0),
        None => Resolved::Level(0),
    };
    let sampling = Sampling {
        resolved,
        overlap: 0.25,
        ..Sampling::default()
    };
    let drawn = patches::random(&slide, &mask, tumor.as_ref(), &sampling, 20, 7)?;
    println!("{} patches", drawn.len());
    tissue::picture(&slide, &mask, tumor.as_ref(), &drawn)?.save(out)?;
    Ok(())
}

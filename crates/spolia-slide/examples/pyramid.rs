//! Writes a slide or an image again as a pyramidal JPEG TIFF that OpenSlide, QuPath and vips read.
//!
//!     cargo run --release -p spolia-slide --example pyramid -- IN OUT.tif [QUALITY]

use spolia_slide::Slide;
use spolia_slide::write::{self, Codec, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (from, to, quality) = match arguments.as_slice() {
        [from, to] => (from, to, 90),
        [from, to, quality] => (from, to, quality.parse()?),
        _ => return Err("usage: pyramid IN OUT.tif [QUALITY]".into()),
    };
    let slide = Slide::open(from)?;
    let (width, height) = slide.dimensions();
    let options = Options {
        codec: Codec::Jpeg { quality },
        mpp: slide.mpp().map(|mpp| mpp.mean()),
        ..Options::default()
    };
    write::pyramid(to.as_ref(), width, height, &options, |area| {
        slide
            .region(0, area.x as i64, area.y as i64, area.width, area.height)
            .map(Some)
    })?;
    Ok(())
}

//! Writes a slide of 100,000 x 100,000 px at 0.25 µm/px of which three round pieces are tissue, the rest not stored, to measure
//! what cutting patches of it takes beside `tests/reference/slide/huge.py`.
//!
//!     cargo run --release -p spolia-slide --example huge -- OUT.tif

use image::RgbImage;
use spolia_slide::phantom;
use spolia_slide::write::{self, Options};

const SIDE: u64 = 100_000;
/// Side of the piece of tissue that is repeated, pixels.
const PIECE: u32 = 1_024;
/// Centre and radius of each round piece of tissue, pixels.
const ROUND: [(f64, f64, f64); 3] = [
    (20_000.0, 24_000.0, 6_000.0),
    (70_000.0, 30_000.0, 5_000.0),
    (48_000.0, 81_000.0, 7_000.0),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = std::env::args().nth(1).ok_or("usage: huge OUT.tif")?;
    let spec = phantom::cohort(1, 1, 1, PIECE, 7)?.next();
    let (piece, _) = phantom::patch(&spec.ok_or("a cohort of none")?, 7)?;
    let options = Options {
        mpp: Some(0.25),
        big: true,
        ..Options::default()
    };
    write::pyramid(out.as_ref(), SIDE, SIDE, &options, |area| {
        let corners = [0, u64::from(area.width)].map(|dx| {
            [0, u64::from(area.height)].map(|dy| ((area.x + dx) as f64, (area.y + dy) as f64))
        });
        let inside =
            |(x, y): (f64, f64)| ROUND.iter().any(|(cx, cy, r)| (x - cx).hypot(y - cy) < *r);
        Ok(corners.into_iter().flatten().any(inside).then(|| {
            RgbImage::from_fn(area.width, area.height, |x, y| {
                let at = (area.x + u64::from(x), area.y + u64::from(y));
                if inside((at.0 as f64, at.1 as f64)) {
                    let own = |v: u64| (v % u64::from(PIECE)) as u32;
                    *piece.get_pixel(own(at.0), own(at.1))
                } else {
                    image::Rgb([244, 243, 245])
                }
            })
        }))
    })?;
    Ok(())
}

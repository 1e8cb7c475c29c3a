//! Compares regions with those that `tests/reference/slide/openslide_regions.py --pixels` read by
//! OpenSlide, pixel by pixel, and times reading them.
//!
//!     cargo run --release -p spolia-slide --example regions -- SLIDE PIXELS.bin

use std::time::Instant;

use spolia_slide::Slide;

const SIDE: u32 = 96;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [slide, pixels] = arguments.as_slice() else {
        return Err("usage: regions SLIDE PIXELS.bin".into());
    };
    let slide = Slide::open(slide)?;
    let bytes = std::fs::read(pixels)?;
    let mut totals: Vec<(f64, f64, f64, usize, f64)> = Vec::new();
    for record in bytes.chunks_exact(16 + (SIDE * SIDE * 3) as usize) {
        let downsample = f64::from_le_bytes(record[..8].try_into()?);
        let x = u32::from_le_bytes(record[8..12].try_into()?);
        let y = u32::from_le_bytes(record[12..16].try_into()?);
        let start = Instant::now();
        let image = slide.region_scaled(downsample, x.into(), y.into(), SIDE, SIDE)?;
        let seconds = start.elapsed().as_secs_f64();
        let difference = image
            .as_raw()
            .iter()
            .zip(&record[16..])
            .map(|(a, b)| f64::from(a.abs_diff(*b)))
            .sum::<f64>()
            / f64::from(SIDE * SIDE * 3);
        if totals.last().is_none_or(|total| total.0 != downsample) {
            totals.push((downsample, 0.0, 0.0, 0, 0.0));
        }
        if let Some(total) = totals.last_mut() {
            total.1 += difference;
            total.2 = total.2.max(difference);
            total.3 += 1;
            total.4 += seconds;
        }
    }
    println!("downsample regions mean_difference worst_region ms_per_region");
    for (downsample, sum, worst, count, seconds) in totals {
        let n = count as f64;
        println!(
            "{downsample} {count} {:.3} {worst:.3} {:.3}",
            sum / n,
            seconds / n * 1e3
        );
    }
    Ok(())
}

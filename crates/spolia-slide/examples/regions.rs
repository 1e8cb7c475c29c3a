//! Compares regions with those that `tests/reference/slide/openslide_regions.py --pixels` read by
//! OpenSlide, pixel by pixel, and times reading them.
//!
//!     cargo run --release -p spolia-slide --example regions -- SLIDE PIXELS.bin
//!     cargo run --release -p spolia-slide --example regions -- SLIDE
//!
//! The second form times random regions of 224 px of level 0, as the script's `--time` does.

use std::sync::Arc;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use spolia_slide::slide::Options;
use spolia_slide::{Slide, TileCache};

const SIDE: u32 = 96;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (slide, pixels) = match arguments.as_slice() {
        [slide, pixels] => (slide, pixels),
        [slide] => return time(slide),
        _ => return Err("usage: regions SLIDE [PIXELS.bin]".into()),
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

fn time(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let cache = Some(Arc::new(TileCache::new(256 << 20)));
    let slide = Slide::open_with(path, &Options { cache, mpp: None })?;
    let (width, height) = slide.dimensions();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let places: Vec<(i64, i64)> = (0..1_000)
        .map(|_| {
            (
                rng.random_range(0..width as i64 - 224),
                rng.random_range(0..height as i64 - 224),
            )
        })
        .collect();
    for (what, downsample, threads) in [
        ("first pass", 1.0, 1),
        ("cached", 1.0, 1),
        ("cached", 1.0, 2),
        ("2.5 times coarser", 2.5, 1),
        ("2.5 times coarser", 2.5, 2),
    ] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?;
        let start = Instant::now();
        pool.install(|| {
            places
                .par_iter()
                .try_for_each(|&(x, y)| slide.region_scaled(downsample, x, y, 224, 224).map(|_| ()))
        })?;
        let ms = start.elapsed().as_secs_f64();
        println!("{what}, {threads} threads: {ms:.3} ms per region");
    }
    Ok(())
}

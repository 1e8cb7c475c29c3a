//! Draws a cohort of phantom slides and tells how long each took.
//!
//!     cargo run --release -p spolia-slide --example phantom_slides -- OUT [PATIENTS] [SEED]

use std::time::Instant;

use spolia_slide::phantom::slides;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = arguments
        .first()
        .ok_or("usage: phantom_slides OUT [PATIENTS] [SEED]")?;
    let patients = arguments.get(1).map_or(Ok(2), |n| n.parse())?;
    let seed = arguments.get(2).map_or(Ok(0), |n| n.parse())?;
    let cohort = slides::cohort(patients, 1, 1, seed)?;
    let mut start = Instant::now();
    slides::write(out.as_ref(), cohort, seed, |done| {
        println!("slide {done}: {:.2} s", start.elapsed().as_secs_f64());
        start = Instant::now();
    })?;
    Ok(())
}

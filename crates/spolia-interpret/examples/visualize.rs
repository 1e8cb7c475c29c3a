//! Makes images of a layer's channels:
//!
//! ```text
//! cargo run --release -p spolia-interpret --example visualize -- WEIGHTS LAYER CHANNELS OUT [lucid|paper [STEPS [SIZE]]]
//! ```
//!
//! CHANNELS is `0,3,7`. Images are written to the folder OUT as PPM files, and each channel's line says how its
//! objective began and ended.

use std::{error::Error, fs, io::Write, path::Path, time::Instant};

use spolia_interpret::visualize::{Preset, Settings, render};
use spolia_network::{Convention, Cpu, Weights, inception_v3};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, layer, channels, out, rest @ ..] = &arguments[..] else {
        return Err(
            "usage: visualize WEIGHTS LAYER CHANNELS OUT [lucid|paper [STEPS [SIZE]]]".into(),
        );
    };
    let channels = channels
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<usize>, _>>()?;
    let settings = Settings {
        preset: rest
            .first()
            .map_or(Ok(Preset::Lucid), |name| name.parse())?,
        steps: rest.get(1).map(|n| n.parse()).transpose()?,
        size: rest.get(2).map_or(Ok(128), |n| n.parse())?,
        seed: 7,
    };

    let weights = Weights::load(file, None)?;
    let network = inception_v3(
        weights.metadata.convention.unwrap_or(Convention::Keras),
        weights.outputs(),
    );
    let layer = network.stage(layer)?;
    let start = Instant::now();
    let images = render(
        &Cpu,
        &network,
        &weights,
        layer,
        &channels,
        &settings,
        &mut |_| true,
    )?;
    let each =
        start.elapsed().as_secs_f64() * 1e3 / (settings.total_steps() * channels.len()) as f64;
    println!("{each:.1} ms a channel and step");

    fs::create_dir_all(out)?;
    for image in &images {
        let (first, last) = (
            image.curve.first().unwrap_or(&0.0),
            image.curve.last().unwrap_or(&0.0),
        );
        let state = if image.dead { "dead" } else { "" };
        println!(
            "{} {first:.4} -> {last:.4}, finished image {:.4} {state}",
            image.channel, image.activation
        );
        let name = format!("{}_{:04}.ppm", network.name(layer), image.channel);
        let mut file = fs::File::create(Path::new(out).join(name))?;
        writeln!(file, "P6 {0} {0} 255", settings.size)?;
        file.write_all(&image.rgb)?;
    }
    Ok(())
}

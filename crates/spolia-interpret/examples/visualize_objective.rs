//! Makes images for written objectives of one deepest layer:
//!
//! ```text
//! cargo run --release -p spolia-interpret --example visualize_objective -- WEIGHTS OUT lucid|maco|pixels|pyramid STEPS SIZE OBJECTIVE…
//! ```
//!
//! An objective is `channel(Mixed_6a, 12) - 0.025*tv`, for example; with `maco` the network sees 128 px. Images are
//! written to the folder OUT as PPM files, numbered in the order of the objectives.

use std::{error::Error, fs, io::Write, path::Path, sync::Arc, time::Instant};

use spolia_interpret::visualize::{
    Job, Objective, Recipe,
    colour::Colour,
    objective::Vectors,
    optimise,
    parametrization::{Kind, Magnitude},
};
use spolia_network::{Convention, Cpu, Weights, inception_v3};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, out, kind, steps, size, objectives @ ..] = &arguments[..] else {
        return Err("usage: visualize_objective WEIGHTS OUT KIND STEPS SIZE OBJECTIVE…".into());
    };
    let (steps, size): (usize, usize) = (steps.parse()?, size.parse()?);
    let mut recipe = match kind.as_str() {
        "maco" => {
            let magnitude = Arc::new(Magnitude::natural(size, size));
            Recipe::maco(magnitude, Colour::LUCID, 128, 7)
        }
        _ => Recipe::lucid(size, 7),
    };
    match kind.as_str() {
        "lucid" | "maco" => {}
        "pixels" => recipe.parametrization = Kind::Pixels,
        "pyramid" => recipe.parametrization = Kind::Pyramid { levels: 4 },
        _ => return Err(format!("no kind `{kind}`").into()),
    }
    recipe.steps = steps;

    let weights = Weights::load(file, None)?;
    let network = inception_v3(
        weights.metadata.convention.unwrap_or(Convention::Keras),
        weights.outputs(),
    );
    let jobs = objectives
        .iter()
        .map(|text| Objective::parse(text, &network, &Vectors::new()).map(Job::new))
        .collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let images = optimise(&Cpu, &network, &weights, &jobs, &recipe, &mut |_| true)?;
    let each = start.elapsed().as_secs_f64() * 1e3 / (steps * jobs.len()) as f64;
    println!("{each:.1} ms an objective and step");

    fs::create_dir_all(out)?;
    for (i, image) in images.iter().enumerate() {
        let first = image.curve.first().unwrap_or(&0.0);
        println!("{i:04} {}: {first:.4} -> {:.4}", image.name, image.value);
        let mut file = fs::File::create(Path::new(out).join(format!("{i:04}.ppm")))?;
        writeln!(file, "P6 {size} {size} 255")?;
        file.write_all(&image.rgb)?;
    }
    Ok(())
}

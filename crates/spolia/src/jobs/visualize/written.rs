//! Images of written objectives: any layer, neuron, direction, class, or sum of them.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;
use image::RgbImage;
use image::imageops::{self, FilterType};
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Reader};
use spolia_interpret::visualize::colour::{Colour, ColourStatistics};
use spolia_interpret::visualize::objective::Vectors;
use spolia_interpret::visualize::parametrization::{Kind, Magnitude, MagnitudeStatistics};
use spolia_interpret::visualize::{Job, Objective, Recipe, optimise};
use spolia_network::Weights;

use super::png;
use crate::jobs::model::Model;
use crate::progress::Task;
use crate::run_folder::{write_atomic, write_csv};

/// Columns of images.csv.
pub const HEADER: [&str; 7] = [
    "file",
    "objective",
    "image",
    "value",
    "activation",
    "steps",
    "stopped",
];

/// From numbers to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Fourier spectra.
    Fourier,
    /// The pixels themselves.
    Pixels,
    /// A sum of images of growing size.
    Pyramid,
    /// Spectra of fixed magnitude whose phases are sought (MACO).
    Maco,
}

impl Form {
    /// How images of `size` pixels are made: Lucid's way, or MACO's. With `patches` their colours, and of MACO their spectra,
    /// take the place of natural photographs'.
    ///
    /// # Errors
    /// A patch cannot be read, or they have no colours to speak of.
    pub fn recipe(
        self,
        size: usize,
        seed: u64,
        patches: Option<(&Reader, &[&Patch])>,
    ) -> miette::Result<Recipe> {
        let colour = match patches {
            None => Colour::LUCID,
            Some((reader, patches)) => {
                let mut statistics = ColourStatistics::default();
                for patch in patches {
                    statistics.add(&reader.read(patch).into_diagnostic()?.data);
                }
                statistics.colour().into_diagnostic()?
            }
        };
        let parametrization = match self {
            Self::Fourier => {
                return Ok(Recipe {
                    colour,
                    ..Recipe::lucid(size, seed)
                });
            }
            Self::Pixels => Kind::Pixels,
            Self::Pyramid => Kind::Pyramid { levels: 4 },
            Self::Maco => {
                let magnitude = match patches {
                    None => Magnitude::natural(size, size),
                    Some((reader, patches)) => magnitude(size, colour, (reader, patches))?,
                };
                return Ok(Recipe::maco(Arc::new(magnitude), colour, size, seed));
            }
        };
        Ok(Recipe {
            colour,
            parametrization,
            ..Recipe::lucid(size, seed)
        })
    }
}

/// The patches' mean magnitude at the size of the image, their shorter side brought to it.
fn magnitude(
    size: usize,
    colour: Colour,
    (reader, patches): (&Reader, &[&Patch]),
) -> miette::Result<Magnitude> {
    let mut statistics = MagnitudeStatistics::new(size, size, colour);
    for patch in patches {
        let read = reader.read(patch).into_diagnostic()?;
        let Some(image) = RgbImage::from_raw(read.width as u32, read.height as u32, read.data)
        else {
            continue;
        };
        let side = size as u32;
        let resized = imageops::resize(&image, side, side, FilterType::Triangle);
        statistics.add(resized.as_raw()).into_diagnostic()?;
    }
    statistics.magnitude().into_diagnostic()
}

/// What is kept of a finished objective: numbers as text, so that they come back as they were.
#[derive(Debug, Serialize, Deserialize)]
pub struct Finished {
    /// As it was written.
    pub objective: String,
    /// Rows of images.csv.
    pub rows: Vec<Vec<String>>,
    /// Objective before each step, of each image.
    pub curves: Vec<Vec<String>>,
}

/// Draws `images` images of each objective into `folder`: `objective_00_0.png`, images.csv, and curves.csv
/// (objective,image,step,value). A finished objective is not drawn again.
///
/// # Errors
/// An objective cannot be read (the error points at the column) or diverges, or the folder cannot be written.
pub fn draw(
    model: &Model,
    objectives: &[String],
    vectors: &Vectors,
    (images, recipe): (usize, &Recipe),
    folder: &Path,
    task: &Task,
) -> miette::Result<()> {
    let read = |text: &String| Objective::parse(text, &model.network, vectors).into_diagnostic();
    let parsed = objectives
        .iter()
        .map(read)
        .collect::<miette::Result<Vec<_>>>()?;
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for (number, objective) in parsed.into_iter().enumerate() {
        let mark = folder.join(format!("objective_{number:02}.json"));
        let kept = std::fs::read(&mark).ok();
        let kept: Option<Finished> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let done = match kept.filter(|kept| kept.objective == objective.text()) {
            Some(done) => {
                task.advance(recipe.steps);
                done
            }
            None => {
                let done = one(model, number, objective, (images, recipe), folder, task)?;
                write_atomic(&mark, &serde_json::to_vec(&done).into_diagnostic()?)?;
                done
            }
        };
        for (image, curve) in done.curves.iter().enumerate() {
            for (step, value) in curve.iter().enumerate() {
                curves.push([
                    done.objective.clone(),
                    image.to_string(),
                    step.to_string(),
                    value.clone(),
                ]);
            }
        }
        rows.extend(done.rows);
    }
    write_csv(&folder.join("images.csv"), &HEADER, rows)?;
    let header = ["objective", "image", "step", "value"];
    Ok(write_csv(&folder.join("curves.csv"), &header, curves)?)
}

fn one(
    model: &Model,
    number: usize,
    objective: Objective,
    (images, recipe): (usize, &Recipe),
    folder: &Path,
    task: &Task,
) -> miette::Result<Finished> {
    let text = objective.text().to_owned();
    let jobs = [Job::new(objective).images(images)];
    let mut seen = 0;
    let found = optimise(
        crate::engine::chosen(),
        &model.network,
        &model.weights,
        &jobs,
        recipe,
        &mut |step| {
            task.advance(step - seen);
            seen = step;
            true
        },
    )
    .into_diagnostic()?;
    // A plateau ends it before its time.
    task.advance(recipe.steps - seen);
    let mut finished = Finished {
        objective: text.clone(),
        rows: Vec::new(),
        curves: Vec::new(),
    };
    let [width, height] = recipe.size;
    for image in found {
        let file = format!("objective_{number:02}_{}.png", image.image);
        write_atomic(&folder.join(&file), &png(width, height, image.rgb)?)?;
        finished.rows.push(vec![
            file,
            text.clone(),
            image.image.to_string(),
            image.value.to_string(),
            image.activation.to_string(),
            image.curve.len().to_string(),
            u8::from(image.stopped).to_string(),
        ]);
        finished
            .curves
            .push(image.curve.iter().map(f32::to_string).collect());
    }
    Ok(finished)
}

/// Vectors for `direction` of a file such as concepts/vectors.safetensors: by their names, and those of `network` without it
/// (`layer/concept`).
///
/// # Errors
/// The file cannot be read.
pub fn vectors(file: &Path, network: Option<&str>) -> miette::Result<Vectors> {
    let weights = Weights::load(file, None).into_diagnostic()?;
    let mut vectors = Vectors::new();
    for (name, tensor) in weights.tensors {
        let own = network.and_then(|n| name.strip_prefix(n)?.strip_prefix('/'));
        if let Some(own) = own {
            vectors.insert(own.to_owned(), tensor.data.clone());
        }
        vectors.insert(name, tensor.data);
    }
    Ok(vectors)
}

//! Optimises images for written objectives.

use std::ops::Range;

use rayon::prelude::*;
use spolia_network::{
    Cut, Engine, Frozen, Network, Normalisation, ReluGradient, StageId, Tensor, Weights,
};

use super::{climb::Climber, objective::Objective, recipe::Recipe, stream::stream};
use crate::Error;

/// One objective and the images to make for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// What to raise.
    pub objective: Objective,
    /// What its random numbers are named after; the same name starts from the same images in every network.
    pub name: String,
    /// How many images; terms that compare images (`diversity`, `alignment`) compare these.
    pub images: usize,
}

impl Job {
    /// One image, named after the objective.
    #[must_use]
    pub fn new(objective: Objective) -> Self {
        Self {
            name: objective.text().to_owned(),
            objective,
            images: 1,
        }
    }

    /// So many images.
    #[must_use]
    pub fn images(self, images: usize) -> Self {
        Self { images, ..self }
    }
}

/// A finished image.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimised {
    /// The job's name.
    pub name: String,
    /// Which of the job's images.
    pub image: usize,
    /// Rows x columns x 3, 8 bits.
    pub rgb: Vec<u8>,
    /// The objective before each step, on the image as transformed in that step (the mean over its views). Its length is
    /// the number of steps made.
    pub curve: Vec<f32>,
    /// The objective, all ReLUs in place, on the finished image as it is, at the network's size.
    pub value: f32,
    /// The part of `value` that the layers give, without the penalties of the image.
    pub activation: f32,
    /// Whether it was stopped on a plateau.
    pub stopped: bool,
    /// For each pixel the sum, over steps and colours, of the size of the gradient of the layers' part with respect to
    /// it: what the network looked at (MACO's transparency). Rows x columns.
    pub importance: Vec<f32>,
}

/// A job on its way.
struct Group<'a> {
    job: &'a Job,
    climbers: Vec<Climber>,
    curves: Vec<Vec<f32>>,
    /// Mean over the images, for the plateau.
    curve: Vec<f32>,
    stopped: bool,
}

/// Makes the images of `jobs` as one batch. An image depends on its job, the recipe and the number of images in the
/// batch (by rounding only), not on what the others show; jobs that reach their plateau leave the batch. All objectives
/// must have the same deepest layer, where the network is cut. `progress` hears the number of steps done after each;
/// `false` stops.
///
/// # Errors
/// [`Error::NoLayer`] for an objective of the image alone, [`Error::Setting`] for a recipe that cannot be followed or
/// jobs with different deepest layers, [`Error::EmptyVisualization`], [`Error::Shape`] for a position outside of a
/// layer, [`Error::Stopped`], [`Error::ObjectiveDiverged`], and [`Error::Network`] where the engine refuses the weights
/// or an input of this size.
pub fn optimise(
    engine: &dyn Engine,
    network: &Network,
    weights: &Weights,
    jobs: &[Job],
    recipe: &Recipe,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<Optimised>, Error> {
    recipe.check()?;
    let Some(deepest) = deepest(network, jobs)? else {
        return Ok(Vec::new());
    };
    let mut taps: Vec<StageId> = jobs
        .iter()
        .flat_map(|j| j.objective.layers())
        .copied()
        .collect();
    taps.sort_unstable();
    taps.dedup();

    let mut groups: Vec<Group<'_>> = jobs.iter().map(|job| Group::new(job, recipe)).collect();
    let cut = |linear_end| Cut {
        linear_end,
        ..Cut::to(deepest)
    };
    let mut head = engine.frozen(network, weights, cut(recipe.linear_end))?;
    for step in 0..recipe.steps {
        let mut live: Vec<&mut Group<'_>> = groups.iter_mut().filter(|g| !g.stopped).collect();
        if live.is_empty() {
            break;
        }
        let normalisation = network.normalisation();
        climb(
            &mut live,
            (head.as_mut(), normalisation),
            &taps,
            recipe,
            step,
        )?;
        if let Some(plateau) = recipe.plateau {
            for group in live {
                group.stopped = plateau.is_reached(&group.curve);
            }
        }
        if !progress(step + 1) {
            return Err(Error::Stopped);
        }
    }
    if recipe.linear_end {
        head = engine.frozen(network, weights, cut(false))?;
    }
    groups
        .into_iter()
        .map(|group| group.finish((head.as_mut(), network.normalisation()), recipe))
        .collect::<Result<Vec<_>, _>>()
        .map(|images| images.into_iter().flatten().collect())
}

/// The layer that all objectives have as their last.
fn deepest(network: &Network, jobs: &[Job]) -> Result<Option<StageId>, Error> {
    let mut found = None;
    for job in jobs {
        let layer = job.objective.deepest().ok_or_else(|| Error::NoLayer {
            objective: job.objective.text().into(),
        })?;
        if *found.get_or_insert(layer) != layer {
            return Err(Error::Setting {
                what: "the deepest layer of an objective",
                value: network.name(layer).into(),
                allowed: "objectives of one deepest layer at a time",
            });
        }
        if job.images == 0 {
            return Err(Error::Setting {
                what: "the number of images of an objective",
                value: "0".into(),
                allowed: "at least one",
            });
        }
    }
    Ok(found)
}

/// One step of all jobs that have not stopped. The batch holds, job after job, each view of the job's images.
fn climb(
    live: &mut [&mut Group<'_>],
    (head, normalisation): (&mut dyn Frozen, &Normalisation),
    taps: &[StageId],
    recipe: &Recipe,
    step: usize,
) -> Result<(), Error> {
    let [width, height] = recipe.input;
    let pixels = 3 * width * height;
    let views = recipe.views;
    let rows: usize = live.iter().map(|g| views * g.climbers.len()).sum();
    let mut input = Tensor::zeros([rows, height, width, 3]);

    live.par_iter_mut().for_each(|group| {
        let climbers = group.climbers.par_iter_mut();
        climbers.for_each(|climber| climber.begin(recipe, step));
    });
    let shown: Vec<(&Climber, usize)> = live
        .iter()
        .flat_map(|g| (0..views).flat_map(|view| g.climbers.iter().map(move |c| (c, view))))
        .collect();
    input
        .data_mut()
        .par_chunks_exact_mut(pixels)
        .zip(shown)
        .for_each(|(out, (climber, view))| climber.show(view, out));
    normalisation.from_symmetric(&mut input);

    let relu = if step < recipe.redirected {
        ReluGradient::Redirected
    } else {
        ReluGradient::True
    };
    let mut values = Vec::new();
    let mut fault = None;
    let mut gradient = head.input_gradient(&input, taps, relu, &mut |seen: &[Tensor]| {
        let mut loss: Vec<Tensor> = seen.iter().map(|t| Tensor::zeros(t.shape())).collect();
        values.clear();
        let mut first = 0;
        for group in live.iter() {
            let images = group.climbers.len();
            for _ in 0..views {
                let rows = first..first + images;
                match on_rows(&group.job.objective, taps, seen, rows, views, &mut loss) {
                    Ok(v) => values.extend(v),
                    Err(e) => fault = Some(e),
                }
                first += images;
            }
        }
        loss
    })?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    normalisation.gradient_to_symmetric(&mut gradient);

    let mut first = 0;
    for group in live.iter_mut() {
        let (images, objective) = (group.climbers.len(), &group.job.objective);
        let of_image: Vec<f64> = group
            .climbers
            .par_iter_mut()
            .enumerate()
            .map(|(i, climber)| {
                let rows = (0..views).map(|v| gradient.image(first + v * images + i));
                climber.step(objective, &rows.collect::<Vec<_>>())
            })
            .collect();
        let mut mean = 0.0;
        for (i, of_image) in of_image.iter().enumerate() {
            let of_layers: f64 = (0..views).map(|v| values[first + v * images + i]).sum();
            let value = of_layers / views as f64 + of_image;
            if !value.is_finite() {
                return Err(Error::ObjectiveDiverged {
                    objective: objective.text().into(),
                    step,
                    value,
                });
            }
            group.curves[i].push(value as f32);
            mean += value / images as f64;
        }
        group.curve.push(mean as f32);
        first += views * images;
    }
    Ok(())
}

/// The layers' part of an objective on some rows of the batch. The gradient of its mean over `views`, negated, goes to
/// the same rows of `loss`. `seen` and `loss` hold a tensor for each of `taps`.
fn on_rows(
    objective: &Objective,
    taps: &[StageId],
    seen: &[Tensor],
    rows: Range<usize>,
    views: usize,
    loss: &mut [Tensor],
) -> Result<Vec<f64>, Error> {
    let places: Vec<usize> = objective
        .layers()
        .iter()
        .filter_map(|layer| taps.binary_search(layer).ok())
        .collect();
    let part = |t: &Tensor| {
        let [_, h, w, c] = t.shape();
        let len = h * w * c;
        let data = t.data()[rows.start * len..rows.end * len].to_vec();
        Tensor::new([rows.len(), h, w, c], data)
    };
    let own = places
        .iter()
        .map(|&p| part(&seen[p]))
        .collect::<Result<Vec<_>, _>>()?;
    let (values, gradients) = objective.on_layers(&own)?;
    let share = -1.0 / views as f32;
    for (place, gradient) in places.into_iter().zip(gradients) {
        let [_, h, w, c] = gradient.shape();
        let loss = loss[place].data_mut()[rows.start * h * w * c..].iter_mut();
        loss.zip(gradient.data()).for_each(|(l, g)| *l = share * g);
    }
    Ok(values)
}

impl<'a> Group<'a> {
    fn new(job: &'a Job, recipe: &Recipe) -> Self {
        let climbers: Vec<_> = (0..job.images)
            .into_par_iter()
            .map(|image| Climber::new(recipe, stream(&job.name, image)))
            .collect();
        Self {
            job,
            curves: vec![Vec::new(); climbers.len()],
            climbers,
            curve: Vec::new(),
            stopped: false,
        }
    }

    fn finish(
        mut self,
        (head, normalisation): (&mut dyn Frozen, &Normalisation),
        recipe: &Recipe,
    ) -> Result<Vec<Optimised>, Error> {
        let [width, height] = recipe.input;
        let mut input = Tensor::zeros([self.climbers.len(), height, width, 3]);
        self.climbers
            .par_iter_mut()
            .zip(input.data_mut().par_chunks_exact_mut(3 * width * height))
            .for_each(|(climber, pixels)| climber.whole(recipe, pixels));
        normalisation.from_symmetric(&mut input);
        let objective = &self.job.objective;
        let seen = head.forward(&input, objective.layers())?;
        let (values, _) = objective.on_layers(&seen)?;
        let finished = self.climbers.into_iter().zip(self.curves).zip(values);
        Ok(finished
            .enumerate()
            .map(|(image, ((climber, curve), of_layers))| {
                let of_image = climber.image_value(objective);
                let (rgb, importance) = climber.finish();
                Optimised {
                    name: self.job.name.clone(),
                    image,
                    rgb,
                    curve,
                    value: (of_layers + of_image) as f32,
                    activation: of_layers as f32,
                    stopped: self.stopped,
                    importance,
                }
            })
            .collect())
    }
}

//! One image on its way up.

use super::{
    adam::Adam,
    nadam::NAdam,
    objective::Objective,
    parametrization::Painting,
    recipe::{Optimiser, Recipe},
    transformation::{Drawn, Moment, Outside, Resampler, Sequence},
};

/// An image, its optimiser and what it went through.
pub(super) struct Climber {
    stream: u64,
    painting: Painting,
    resampler: Resampler,
    state: State,
    drawn: Vec<Drawn>,
    gradient: Vec<f32>,
    importance: Vec<f32>,
}

enum State {
    Adam(Adam, f64),
    NAdam(NAdam, f64),
}

impl Climber {
    pub fn new(recipe: &Recipe, stream: u64) -> Self {
        let painting = Painting::new(
            &recipe.parametrization,
            recipe.colour,
            recipe.size,
            recipe.seed,
            stream,
        );
        let pixels = recipe.size[0] * recipe.size[1];
        Self {
            stream,
            resampler: Resampler::new(recipe.size, recipe.input, recipe.transformations.outside()),
            state: match recipe.optimiser {
                Optimiser::Adam(rate) => State::Adam(Adam::new(painting.len()), rate),
                Optimiser::NAdam(rate) => State::NAdam(NAdam::new(painting.len()), rate),
            },
            painting,
            drawn: Vec::new(),
            gradient: vec![0.0; 3 * pixels],
            importance: vec![0.0; pixels],
        }
    }

    /// Draws a step's transformations; views are then shown with [`Climber::show`].
    pub fn begin(&mut self, recipe: &Recipe, step: usize) {
        self.resampler.set(self.painting.rgb());
        let moment = |view| Moment {
            step,
            steps: recipe.steps,
            view,
        };
        self.drawn = (0..recipe.views)
            .map(|view| {
                recipe.transformations.draw(
                    recipe.seed,
                    self.stream,
                    moment(view),
                    recipe.size,
                    recipe.input,
                )
            })
            .collect();
    }

    /// What the network sees in a view: rows x columns x 3 in -1 to 1.
    pub fn show(&self, view: usize, pixels: &mut [f32]) {
        let mut drawn = self.drawn[view].clone();
        self.resampler.forward(&drawn.affine, pixels);
        drawn.add_noise(pixels);
    }

    /// One optimiser step up: `pixels` holds the gradient of the loss with respect to each view. Returns the value of
    /// the objective's terms of the image, before the step.
    pub fn step(&mut self, objective: &Objective, views: &[&[f32]]) -> f64 {
        for (drawn, pixels) in self.drawn.iter().zip(views) {
            self.resampler.transpose(&drawn.affine, pixels);
        }
        self.resampler.gradient(&mut self.gradient);
        let pixels = self.importance.len();
        for (i, sum) in self.importance.iter_mut().enumerate() {
            *sum += (0..3)
                .map(|c| self.gradient[c * pixels + i].abs())
                .sum::<f32>();
        }
        // The objective is to rise, the loss is its negative.
        let mut rise = vec![0.0; self.gradient.len()];
        let [width, height] = self.painting.size();
        let value = objective.on_image(self.painting.rgb(), width, height, &mut rise);
        for (g, rise) in self.gradient.iter_mut().zip(&rise) {
            *g -= rise;
        }
        let state = &mut self.state;
        self.painting
            .change(&mut self.gradient, |parameters, gradient| match state {
                State::Adam(adam, rate) => adam.step(parameters, gradient, *rate),
                State::NAdam(nadam, rate) => nadam.step(parameters, gradient, *rate),
            });
        value
    }

    /// The whole image at the network's size, without transformations.
    pub fn whole(&self, recipe: &Recipe, pixels: &mut [f32]) {
        let moment = Moment {
            step: 0,
            steps: 1,
            view: 0,
        };
        let still = Sequence::default().draw(0, 0, moment, recipe.size, recipe.input);
        let mut resampler = Resampler::new(recipe.size, recipe.input, Outside::Continued);
        resampler.set(self.painting.rgb());
        resampler.forward(&still.affine, pixels);
    }

    /// The value of the objective's terms of the image.
    pub fn image_value(&self, objective: &Objective) -> f64 {
        let [width, height] = self.painting.size();
        let rgb = self.painting.rgb();
        objective.on_image(rgb, width, height, &mut vec![0.0; rgb.len()])
    }

    /// The image, 8 bits, and how much each pixel mattered on the way.
    pub fn finish(self) -> (Vec<u8>, Vec<f32>) {
        (self.painting.rgb8(), self.importance)
    }
}

//! Which concepts the logit follows: sensitivities along concept vectors, beside those of shuffled concepts and random directions.

use std::collections::BTreeMap;
use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::Patch;
use spolia_interpret::concepts::{
    Null, Relevance, random_directions, relevance, restore, sensitivities, shuffled_directions,
};
use spolia_network::{Cut, ReluGradient, StageId, Tensor};

use super::Job;
use super::regression::Layer;
use super::tables::fill_q;
use crate::context::Context;
use crate::jobs::batches::{self, Pass};
use crate::jobs::kept::kept;
use crate::run_folder::cell;
use crate::seed;

/// Patches whose gradients are taken: enough for a share to ± .07, and a few minutes at most.
pub const PATCHES: usize = 200;
/// Shuffles of each concept; the least p-value is 1 / (SHUFFLES + 1).
pub const SHUFFLES: usize = 100;
/// Patches a pass.
const BATCH: usize = 8;

/// Columns of relevance.csv.
pub const HEADER: [&str; 24] = [
    "network",
    "layer",
    "concept",
    "class",
    "n",
    "sensitivity_mean",
    "sensitivity_sd",
    "tcav",
    "tcav_null",
    "tcav_null_sd",
    "tcav_p",
    "tcav_q",
    "br",
    "br_normalised",
    "br_null_sd",
    "br_p",
    "br_q",
    "tcav_random",
    "tcav_random_sd",
    "tcav_random_p",
    "tcav_random_q",
    "br_random_sd",
    "br_random_p",
    "br_random_q",
];
/// Place of `br` in [`HEADER`].
const BR: usize = 12;
/// Place of `r2_test` in r2.csv.
const R2_TEST: usize = 11;

/// Places in the list of patches, and the logit's gradient in the layer's features.
type Gradients = Vec<(usize, Vec<f32>)>;

impl Job<'_> {
    /// The rows of relevance.csv without q and without `br_normalised`, layer by layer, kept in `LAYER.relevance.json`.
    ///
    /// # Errors
    /// The network has no logit, the statistics fail, or the folder cannot be written.
    pub fn relevance(&self, found: &[Layer], context: &Context) -> miette::Result<()> {
        let chosen = self.relevance_patches();
        for (index, (&(stage, name), layer)) in self.layers.iter().zip(found).enumerate() {
            let parts = self.folder.join(format!("{name}.gradients"));
            kept(&self.folder.join(format!("{name}.relevance.json")), || {
                let gradients = self.gradients((stage, name), &chosen, &parts, context)?;
                self.relevance_rows((index, name), layer, (&chosen, &gradients))
            })?;
            batches::forget(&parts)?;
        }
        Ok(())
    }

    /// Places in `patches` of up to [`PATCHES`] labelled patches, drawn by the seed.
    fn relevance_patches(&self) -> Vec<usize> {
        let rows = self.features.rows.iter();
        let labelled = rows.filter(|&&k| self.patches[k].label.is_some());
        let items = labelled.map(|&k| (k, self.patches[k].id.as_str()));
        seed::draw(self.options.seed, "relevance", items, PATCHES)
    }

    fn gradients(
        &self,
        (stage, name): (StageId, &str),
        chosen: &[usize],
        parts: &Path,
        context: &Context,
    ) -> miette::Result<Gradients> {
        let logit = self.model.logit()?;
        let mut head = self.model.frozen(Cut::to(stage))?;
        let mut tail = self.model.frozen(Cut::between(stage, logit))?;
        let title = format!("{}, relevance, {name}", self.network);
        let patches: Vec<&Patch> = chosen.iter().map(|&k| self.patches[k]).collect();
        let pass = Pass {
            batch: BATCH,
            parts: Some(parts),
            ..Pass::new(self.model, self.reader, &patches, &title)
        };
        // Patches that cannot be read were named when their features were asked for.
        let (found, _) = batches::each(&pass, context, |batch| {
            let taps = head.forward(&batch.input, &[stage]).into_diagnostic()?;
            let mut of_the_logit = |taps: &[Tensor]| {
                let mut ones = Tensor::zeros(taps[0].shape());
                ones.data_mut().fill(1.0);
                vec![ones]
            };
            let gradient = tail
                .input_gradient(&taps[0], &[logit], ReluGradient::True, &mut of_the_logit)
                .into_diagnostic()?;
            let sums = self.pool.gradient(&gradient);
            Ok(batch.rows.into_iter().zip(sums).collect())
        })?;
        Ok(found)
    }

    fn relevance_rows(
        &self,
        (index, name): (usize, &str),
        layer: &Layer,
        (chosen, gradients): (&[usize], &Gradients),
    ) -> miette::Result<Vec<Vec<String>>> {
        let numbers = &self.measured.numbers;
        let values: Vec<&[f64]> = numbers.iter().map(|c| c.values.as_slice()).collect();
        let seed = |what: &str| seed::derive(self.options.seed, what, name);
        let shuffled = shuffled_directions(
            (self.network, name),
            self.features.layer(index),
            &values,
            &self.groups,
            (self.options.estimator, SHUFFLES),
            seed("relevance/shuffles"),
        )
        .into_diagnostic()?;
        let flat: Vec<f32> = gradients.iter().flat_map(|g| g.1.iter().copied()).collect();
        let width = flat.len() / gradients.len().max(1);
        let random: Vec<Vec<f64>> = random_directions(width, SHUFFLES, seed("relevance/random"))
            .iter()
            .map(|direction| sensitivities(&flat, direction))
            .collect();
        let components = self.features.layers[index].components.as_deref();
        let mut rows = Vec::new();
        let results = layer.vectors.iter().zip(&layer.rows).zip(&shuffled);
        for ((unit, r2), shuffled) in results.filter(|((unit, _), _)| !unit.is_empty()) {
            let unit: Vec<f64> = unit
                .iter()
                .map(|v| v.parse())
                .collect::<Result<_, _>>()
                .into_diagnostic()?;
            let own = sensitivities(&flat, &unit);
            let shuffled: Vec<Vec<f64>> = shuffled
                .iter()
                .map(|direction| match components {
                    Some(components) => sensitivities(&flat, &restore(direction, components)),
                    None => sensitivities(&flat, direction),
                })
                .collect();
            let held_out: f64 = r2[R2_TEST].parse().into_diagnostic()?;
            for (class, images) in self.by_class(chosen, gradients) {
                let nulls = (shuffled.as_slice(), random.as_slice());
                if let Some(found) = relevance(&own, nulls, &images, held_out) {
                    rows.push(row([self.network, name, &r2[2], class], &found));
                }
            }
        }
        Ok(rows)
    }

    /// Places in `gradients` of all patches, and of those of each class.
    fn by_class(&self, chosen: &[usize], gradients: &Gradients) -> Vec<(&str, Vec<usize>)> {
        let label = |k: usize| self.patches[chosen[gradients[k].0]].label.map(usize::from);
        let classes = self.classes.iter().enumerate();
        [("all", None)]
            .into_iter()
            .chain(classes.map(|(i, c)| (c.as_str(), Some(i))))
            .map(|(name, class)| {
                let rows = (0..gradients.len()).filter(|&k| class.is_none() || label(k) == class);
                (name, rows.collect())
            })
            .collect()
    }
}

fn row(place: [&str; 4], r: &Relevance) -> Vec<String> {
    let mut row: Vec<String> = place.into_iter().map(String::from).collect();
    row.extend([
        r.n.to_string(),
        r.mean.to_string(),
        r.sd.to_string(),
        r.tcav.to_string(),
    ]);
    let with_q = |null: Option<Null>| {
        [
            cell(null.map(|n| n.sd)),
            cell(null.map(|n| n.p)),
            String::new(),
        ]
    };
    row.push(r.tcav_shuffled.mean.to_string());
    row.extend(with_q(Some(r.tcav_shuffled)));
    row.extend([cell(r.br), String::new()]);
    row.extend(with_q(r.br_shuffled));
    row.push(r.tcav_random.mean.to_string());
    row.extend(with_q(Some(r.tcav_random)));
    row.extend(with_q(r.br_random));
    row
}

/// The rows with q-values (Benjamini-Hochberg, each over all rows), and Br divided by the largest |Br| of the network.
///
/// # Errors
/// A kept p-value is out of range.
pub fn finish(mut rows: Vec<Vec<String>>) -> miette::Result<Vec<Vec<String>>> {
    for p in HEADER.iter().enumerate().filter(|(_, c)| c.ends_with("_p")) {
        fill_q(&mut rows, p.0, p.0 + 1)?;
    }
    let mut most: BTreeMap<String, f64> = BTreeMap::new();
    let br = |row: &[String]| row[BR].parse::<f64>().ok();
    for row in &rows {
        if let Some(br) = br(row) {
            let most = most.entry(row[0].clone()).or_default();
            *most = most.max(br.abs());
        }
    }
    for row in &mut rows {
        if let Some(br) = br(row)
            && most[&row[0]] > 0.0
        {
            row[BR + 1] = (br / most[&row[0]]).to_string();
        }
    }
    Ok(rows)
}

//! `spolia evaluate`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Reader, Split, Unit, groups};

use super::images::{ImagesArgs, tell};
use super::network_args::NetworkArgs;
use crate::context::{Context, Outcome};
use crate::jobs::evaluate::{Scored, metrics, roc};
use crate::jobs::predict;
use crate::output::{self, Table};
use crate::run_folder::{write_atomic, write_csv};
use crate::seed;

/// `spolia evaluate IMAGES`
///
/// Accuracy, AUC with a bootstrap interval over patients (slides, images), calibration and ROC, for each part of the
/// split that the images state; `all` where they state none.
#[derive(Debug, Args)]
pub struct Evaluate {
    #[command(flatten)]
    images: ImagesArgs,
    #[command(flatten)]
    network: NetworkArgs,
    /// The folder to write: metrics.json, roc.csv, predictions.csv.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Evaluate {
    /// Runs the command.
    ///
    /// # Errors
    /// The images, the weights or the folder cannot be used, or no image has a label.
    pub fn run(self, context: &Context) -> miette::Result<Outcome> {
        output::prepare_folder(&self.out)?;
        let model = self.network.model()?;
        let (table, mut problems) = self.images.resolve(context)?;
        let patches: Vec<&Patch> = table.patches().iter().collect();
        let (logits, failed) = predict::logits(
            &model,
            (&Reader::new(), &patches),
            "evaluate",
            None,
            context,
        )?;
        problems.extend(failed);
        let grouped = groups(&table, Unit::Patient, None).into_diagnostic()?;
        let mut parts: BTreeMap<&str, Scored> = BTreeMap::new();
        for ((patch, logit), group) in patches.iter().zip(&logits).zip(&grouped.of) {
            let (Some(logit), Some(label)) = (logit, patch.label) else {
                continue;
            };
            let part = parts
                .entry(patch.split.map_or("all", Split::name))
                .or_insert_with(|| Scored {
                    probabilities: Vec::new(),
                    positive: Vec::new(),
                    groups: Vec::new(),
                    unit: grouped.unit.name(),
                });
            part.probabilities.push(predict::probability(*logit));
            part.positive.push(label == 1);
            part.groups.push(*group);
        }
        if parts.is_empty() {
            return Err(miette::miette!(
                "{}: no labelled image could be scored; give labels by class folders, labels.csv or a label column",
                self.images.images.display()
            ));
        }
        let (mut found, mut curve) = (BTreeMap::new(), Vec::new());
        let mut shown = Table::new([
            "split",
            "n",
            "accuracy",
            "auc",
            "auc_low",
            "auc_high",
            "interval over",
        ]);
        for (name, scored) in &parts {
            let m = metrics(scored, seed::derive(context.seed(), "evaluate", name))?;
            shown.push(vec![
                (*name).into(),
                m.n.into(),
                m.accuracy.into(),
                m.auc.into(),
                m.auc_low.into(),
                m.auc_high.into(),
                format!("{} {}s", m.groups, m.auc_unit).into(),
            ]);
            found.insert(*name, m);
            curve.extend(roc(scored, name));
        }
        let mut json = serde_json::to_vec_pretty(&found).into_diagnostic()?;
        json.push(b'\n');
        write_atomic(&self.out.join("metrics.json"), &json)?;
        write_csv(
            &self.out.join("roc.csv"),
            &["split", "threshold", "fpr", "tpr"],
            curve,
        )?;
        predict::write(
            &self.out.join("predictions.csv"),
            table.classes(),
            &patches,
            &logits,
        )?;
        shown.print(false)?;
        Ok(Outcome::of(tell(&problems)))
    }
}

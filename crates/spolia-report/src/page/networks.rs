//! The networks: what they are, how training went, how well they predict.

use serde::Serialize;

use crate::figures::split_words;
use crate::numbers::{count, counted, interval, listed, three, two};
use crate::run::Run;
use crate::run::manifest::About;
use crate::run::networks::{Epoch, SplitMetrics};

/// A network as the table shows it.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    what: String,
    training: String,
    provenance: String,
}

/// One line per network.
pub(super) fn table(run: &Run) -> Vec<Row> {
    run.networks
        .iter()
        .map(|network| {
            let about = &network.about;
            Row {
                name: about.name.clone(),
                what: what(about),
                training: training(about),
                provenance: about.provenance.clone().unwrap_or_default(),
            }
        })
        .collect()
}

fn what(about: &About) -> String {
    let start = about.start.as_deref().unwrap_or("another network");
    let drawn = match about.init.as_deref() {
        Some(init) => format!("drawn at random ({init})"),
        None => "drawn at random".to_owned(),
    };
    let mut text = match about.kind.as_str() {
        "random" => format!("Weights {drawn}."),
        "pretrained" => "Weights as pretrained.".to_owned(),
        "finetuned" => format!("Started from {start}; all stages trained on these patches."),
        "reused" => format!(
            "Keeps the weights of {start} up to {}; later stages {drawn}{}.",
            about.keep.as_deref().unwrap_or("a stage"),
            if about.trained {
                ", then all trained"
            } else {
                ""
            }
        ),
        other => other.to_owned(),
    };
    if let Some(weights) = &about.weights {
        text += &format!(" File: {weights}");
        if let Some(convention) = &about.convention {
            text += &format!(" ({convention} convention)");
        }
        text.push('.');
    }
    text
}

fn training(about: &About) -> String {
    if !about.trained {
        return "not trained here".to_owned();
    }
    let mut text = counted(about.trained_epochs, "epoch", "epochs");
    if let Some(best) = about.best_epoch {
        text += &format!(", weights of epoch {best} kept");
    }
    text
}

/// What the training curves say, network by network.
pub(super) fn training_words(run: &Run) -> Vec<String> {
    run.networks
        .iter()
        .filter_map(|network| curve_words(&network.about.name, &network.epochs))
        .collect()
}

/// Says when the validation loss was lowest, and whether the network went on to learn its
/// training patches by heart.
fn curve_words(name: &str, epochs: &[Epoch]) -> Option<String> {
    let (first, last) = (epochs.first()?, epochs.last()?);
    let known = epochs.iter().filter_map(|e| Some((e, e.val_loss?)));
    let (best, lowest) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let end = last.val_loss?;
    let mut text = format!(
        "{name}: the validation loss is lowest at epoch {} ({})",
        best.epoch,
        three(lowest)
    );
    if best.epoch == last.epoch {
        text += ", the last one: longer training might still help.";
        return Some(text);
    }
    let falls = first.train_loss.zip(last.train_loss);
    let learns_on = best
        .train_loss
        .zip(last.train_loss)
        .is_some_and(|(then, now)| now < then);
    text += &format!(" and {} at the last", three(end));
    if falls.is_some() && learns_on && end > lowest {
        text += ", while the training loss went on falling: from there on the network fits its \
                 training patches rather than new ones";
    }
    text.push('.');
    Some(text)
}

/// Metrics of one network on one split.
#[derive(Serialize)]
pub(super) struct Metrics {
    network: String,
    split: String,
    n: String,
    positives: String,
    auc: String,
    auc_interval: String,
    unit: String,
    accuracy: String,
    brier: String,
    log_loss: String,
    calibration_error: String,
}

/// One line per network and split.
pub(super) fn metrics(run: &Run) -> Vec<Metrics> {
    let mut rows = Vec::new();
    for network in &run.networks {
        let Some(metrics) = &network.metrics else {
            continue;
        };
        for (split, m) in [("val", &metrics.val), ("test", &metrics.test)] {
            let Some(m) = m else { continue };
            rows.push(Metrics {
                network: network.about.name.clone(),
                split: split_words(split).to_owned(),
                n: count(m.n),
                positives: count(m.positives),
                auc: two(m.auc),
                auc_interval: m
                    .auc_low
                    .zip(m.auc_high)
                    .map_or_else(|| two(None), |(low, high)| interval(low, high)),
                unit: groups(m).unwrap_or_default(),
                accuracy: two(m.accuracy),
                brier: three(m.brier),
                log_loss: three(m.log_loss),
                calibration_error: three(m.calibration_error),
            });
        }
    }
    rows
}

/// What the bootstrap drew: `5 patients`.
pub(super) fn groups(m: &SplitMetrics) -> Option<String> {
    let (one, many) = match m.auc_unit.as_deref()? {
        "patient" => ("patient", "patients"),
        "slide" => ("slide", "slides"),
        _ => ("patch", "patches"),
    };
    Some(match m.groups {
        Some(n) => counted(n, one, many),
        None => many.to_owned(),
    })
}

/// What a reader must know of the metrics.
pub(super) fn metrics_words(run: &Run) -> Vec<String> {
    let judged: Vec<(&str, &'static str, &SplitMetrics)> = run
        .networks
        .iter()
        .filter_map(|n| {
            let (split, m) = n.metrics.as_ref()?.judged()?;
            Some((n.about.name.as_str(), split, m))
        })
        .collect();
    let mut words = Vec::new();
    let few: Vec<String> = judged
        .iter()
        .filter(|(_, _, m)| m.auc.is_some() && m.groups.is_some_and(|g| g < 10))
        .filter_map(|(_, _, m)| groups(m))
        .collect();
    let few = crate::run::first_seen(few.into_iter());
    if !few.is_empty() {
        words.push(format!(
            "The intervals rest on {} only; with so few, they are rough.",
            listed(&few)
        ));
    }
    if judged
        .iter()
        .any(|(_, _, m)| m.auc_unit.as_deref() == Some("image"))
    {
        words.push(
            "The intervals treat every patch as independent, which patches of one patient are \
             not: they are too narrow."
                .to_owned(),
        );
    }
    let validation: Vec<&str> = judged
        .iter()
        .filter(|j| j.1 == "val")
        .map(|j| j.0)
        .collect();
    if !validation.is_empty() {
        words.push(format!(
            "{}: measured on validation patches, for want of test patches; where these also chose \
             the epoch, the figures are too good.",
            listed(&validation)
        ));
    }
    let one_class: Vec<&str> = judged
        .iter()
        .filter(|(_, _, m)| m.positives == 0 || m.positives == m.n)
        .map(|j| j.0)
        .collect();
    if !one_class.is_empty() {
        words.push(format!(
            "{}: all these patches belong to one class, so there is no AUC.",
            listed(&one_class)
        ));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, train: f64, val: f64) -> Epoch {
        Epoch {
            epoch,
            train_loss: Some(train),
            val_loss: Some(val),
            val_accuracy: None,
            val_auc: None,
        }
    }

    #[test]
    fn overfitting_is_named_only_where_it_shows() {
        let over = [epoch(1, 0.7, 0.6), epoch(2, 0.4, 0.5), epoch(3, 0.2, 0.9)];
        let text = curve_words("net", &over).unwrap_or_default();
        assert!(
            text.contains("lowest at epoch 2 (0.500) and 0.900 at the last, while"),
            "{text}"
        );
        let rising = [epoch(1, 0.2, 0.5), epoch(2, 0.7, 0.9)];
        let text = curve_words("net", &rising).unwrap_or_default();
        assert_eq!(
            text,
            "net: the validation loss is lowest at epoch 1 (0.500) and 0.900 at the last."
        );
        let good = [epoch(1, 0.7, 0.6), epoch(2, 0.4, 0.5)];
        let text = curve_words("net", &good).unwrap_or_default();
        assert!(
            text.ends_with("longer training might still help."),
            "{text}"
        );
        assert!(curve_words("net", &[]).is_none());
    }
}

//! The names in a written objective: terms with their arguments, layers, vectors and classes.

use std::sync::Arc;

use spolia_network::{Network, StageId};

use super::{Fault, Term, Vectors};

/// Each term's name and how it is written.
const TERMS: [(&str, &str); 11] = [
    ("channel", "channel(layer, c)"),
    ("neuron", "neuron(layer, c[, y, x])"),
    ("direction", "direction(layer, vector[, power])"),
    ("logit", "logit(class)"),
    ("deepdream", "deepdream(layer)"),
    ("diversity", "diversity(layer)"),
    ("alignment", "alignment(layer)"),
    ("tv", "tv"),
    ("l1", "l1[(centre)]"),
    ("l2", "l2[(centre)]"),
    ("blur", "blur"),
];

/// Mid-gray, from which `l1` and `l2` measure unless told otherwise.
const GRAY: f32 = 0.5;

/// A fault and the character at which it stands, from 0.
pub(super) type At = (usize, Fault);

/// An argument as written, and where.
pub(super) struct Argument {
    pub at: usize,
    pub text: String,
}

/// What names can stand for.
pub(super) struct Known<'a> {
    pub network: &'a Network,
    pub vectors: &'a Vectors,
}

impl Known<'_> {
    /// The term `written` at `start`, with its weight.
    pub fn term(
        &self,
        start: usize,
        written: &str,
        arguments: &[Argument],
    ) -> Result<(f64, Term), At> {
        let Some(&(name, usage)) = TERMS.iter().find(|(n, _)| written.eq_ignore_ascii_case(n))
        else {
            let names: Vec<_> = TERMS.iter().map(|(n, _)| *n).collect();
            return Err((start, unknown("term", written, &names)));
        };
        let wrong = |takes| {
            let got = arguments.len();
            Err((start, Fault::Arguments { usage, takes, got }))
        };
        let mut weight = 1.0;
        let term = match (name, arguments) {
            ("channel", [layer, channel]) => {
                let layer = self.layer(layer)?;
                let channel = self.channel(layer, channel)?;
                Term::Channel { layer, channel }
            }
            ("channel", _) => return wrong("a layer and a channel"),
            ("neuron", [layer, channel, at @ ..]) if matches!(at.len(), 0 | 2) => {
                let layer = self.layer(layer)?;
                let channel = self.channel(layer, channel)?;
                let at = match at {
                    [y, x] => Some([whole(y, "a row")?, whole(x, "a column")?]),
                    _ => None,
                };
                Term::Neuron { layer, channel, at }
            }
            ("neuron", _) => return wrong("a layer, a channel and perhaps a row and a column"),
            ("direction", [layer, vector, power @ ..]) if power.len() < 2 => Term::Direction {
                layer: self.layer(layer)?,
                vector: self.vector(layer, vector)?,
                power: match power {
                    [power] => number(power, "the power", 0.0, f64::MAX)?,
                    _ => 0.0,
                },
            },
            ("direction", _) => return wrong("a layer, a vector and perhaps a power"),
            ("logit", [class]) => {
                let (sign, channel) = self.class(class)?;
                weight = sign;
                Term::Channel {
                    layer: self.network.last(),
                    channel,
                }
            }
            ("logit", _) => return wrong("a class"),
            ("deepdream" | "diversity" | "alignment", [layer]) => {
                let layer = self.layer(layer)?;
                match name {
                    "deepdream" => Term::DeepDream { layer },
                    "diversity" => Term::Diversity { layer },
                    _ => Term::Alignment { layer },
                }
            }
            ("deepdream" | "diversity" | "alignment", _) => return wrong("a layer"),
            ("tv", []) => Term::TotalVariation,
            ("blur", []) => Term::Blur,
            ("l1", []) => Term::L1 { centre: GRAY },
            ("l2", []) => Term::L2 { centre: GRAY },
            ("l1", [centre]) => Term::L1 {
                centre: number(centre, "the centre", 0.0, 1.0)? as f32,
            },
            ("l2", [centre]) => Term::L2 {
                centre: number(centre, "the centre", 0.0, 1.0)? as f32,
            },
            ("l1" | "l2", _) => return wrong("a centre at most"),
            _ => return wrong("no argument"),
        };
        Ok((weight, term))
    }

    fn layer(&self, argument: &Argument) -> Result<StageId, At> {
        self.network.stage(&argument.text).map_err(|_| {
            let names: Vec<_> = self.network.stages().map(|(_, s)| s.name).collect();
            (argument.at, unknown("layer", &argument.text, &names))
        })
    }

    fn channel(&self, layer: StageId, argument: &Argument) -> Result<usize, At> {
        let channel = whole(argument, "a channel")?;
        let known = self.network.channels(layer);
        if channel < known {
            return Ok(channel);
        }
        Err(range(
            argument,
            "the channel",
            format!(
                "{} has channels 0 to {}",
                self.network.name(layer),
                known.saturating_sub(1)
            ),
        ))
    }

    /// The sign and the logit that speak for a class.
    fn class(&self, argument: &Argument) -> Result<(f64, usize), At> {
        let class = whole(argument, "a class")?;
        match (self.network.outputs(), class) {
            (1, 0) => Ok((-1.0, 0)),
            (1, 1) => Ok((1.0, 0)),
            (outputs, class) if outputs > 1 && class < outputs => Ok((1.0, class)),
            (0, _) => Err(range(
                argument,
                "the class",
                "this network has no classification layer".into(),
            )),
            (outputs, _) => Err(range(
                argument,
                "the class",
                format!("there are classes 0 to {}", outputs.max(2) - 1),
            )),
        }
    }

    fn vector(&self, layer: &Argument, argument: &Argument) -> Result<Arc<[f32]>, At> {
        let Some(vector) = self.vectors.get(&argument.text) else {
            let names: Vec<_> = self.vectors.keys().map(String::as_str).collect();
            let fault = if names.is_empty() {
                Fault::NoVectors {
                    name: argument.text.clone(),
                }
            } else {
                unknown("vector", &argument.text, &names)
            };
            return Err((argument.at, fault));
        };
        let channels = self.network.channels(self.layer(layer)?);
        if vector.len() != channels {
            return Err(range(
                argument,
                "the vector",
                format!(
                    "it has {} values, {} has {channels} channels",
                    vector.len(),
                    layer.text
                ),
            ));
        }
        if vector.iter().any(|v| !v.is_finite()) {
            return Err(range(
                argument,
                "the vector",
                "it has values that are no numbers".into(),
            ));
        }
        Ok(vector.as_slice().into())
    }
}

fn whole(argument: &Argument, expected: &'static str) -> Result<usize, At> {
    argument.text.parse().map_err(|_| {
        let found = format!("`{}`", argument.text);
        (argument.at, Fault::Expected { expected, found })
    })
}

fn number(argument: &Argument, what: &'static str, low: f64, high: f64) -> Result<f64, At> {
    match argument.text.parse::<f64>() {
        Ok(v) if v.is_finite() && (low..=high).contains(&v) => Ok(v),
        _ if high == f64::MAX => Err(range(argument, what, format!("give a number from {low}"))),
        _ => Err(range(
            argument,
            what,
            format!("give a number from {low} to {high}"),
        )),
    }
}

fn range(argument: &Argument, what: &'static str, allowed: String) -> At {
    let value = argument.text.clone();
    let fault = Fault::Range {
        what,
        value,
        allowed,
    };
    (argument.at, fault)
}

fn unknown(kind: &'static str, name: &str, known: &[&str]) -> Fault {
    let lower = name.to_lowercase();
    let alike = |k: &str| strsim::jaro_winkler(&k.to_lowercase(), &lower);
    let nearest = known
        .iter()
        .copied()
        .reduce(|best, k| if alike(k) > alike(best) { k } else { best });
    Fault::Unknown {
        kind,
        name: name.into(),
        nearest: nearest.unwrap_or_default().into(),
        known: known.join(", "),
    }
}

//! Reads a written objective: sums and differences of products of numbers with terms and parentheses.

use std::sync::Arc;

use spolia_network::{Network, StageId};

use super::{Fault, Term, Vectors};
use crate::Error;

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

/// A constant and a weighted sum.
#[derive(Default)]
pub(super) struct Sum {
    pub constant: f64,
    pub terms: Vec<(f64, Term)>,
}

impl Sum {
    fn scaled(mut self, factor: f64) -> Self {
        self.constant *= factor;
        for (weight, _) in &mut self.terms {
            *weight *= factor;
        }
        self
    }

    fn plus(mut self, other: Self) -> Self {
        self.constant += other.constant;
        self.terms.extend(other.terms);
        self
    }

    fn is_finite(&self) -> bool {
        self.constant.is_finite() && self.terms.iter().all(|(w, _)| w.is_finite())
    }
}

/// A fault and the character at which it stands, from 0.
type At = (usize, Fault);

pub(super) fn parse(text: &str, network: &Network, vectors: &Vectors) -> Result<Sum, Error> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        network,
        vectors,
    };
    parser.whole().map_err(|(at, fault)| Error::Objective {
        text: text.into(),
        column: at + 1,
        fault,
    })
}

struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    network: &'a Network,
    vectors: &'a Vectors,
}

/// An argument as written, and where.
struct Argument {
    at: usize,
    text: String,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Sum, At> {
        let sum = self.sum()?;
        match self.peek() {
            Some(_) => Err(self.expected("`+`, `-`, `*`, `/` or the end")),
            None if sum.terms.is_empty() => Err((0, Fault::NoTerm)),
            None => Ok(sum),
        }
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn expected(&mut self, expected: &'static str) -> At {
        let found = match self.peek() {
            Some(c) => format!("`{c}`"),
            None => "the end".into(),
        };
        (self.at, Fault::Expected { expected, found })
    }

    fn sum(&mut self) -> Result<Sum, At> {
        let mut sum = self.product()?;
        loop {
            let sign = if self.take('+') {
                1.0
            } else if self.take('-') {
                -1.0
            } else {
                return Ok(sum);
            };
            sum = sum.plus(self.product()?.scaled(sign));
        }
    }

    fn product(&mut self) -> Result<Sum, At> {
        let mut product = self.factor()?;
        loop {
            let divide = if self.take('*') {
                false
            } else if self.take('/') {
                true
            } else {
                return Ok(product);
            };
            self.peek();
            let at = self.at;
            let factor = self.factor()?;
            product = match (product.terms.is_empty(), factor.terms.is_empty()) {
                (_, true) if divide => product.scaled(1.0 / factor.constant),
                (_, true) => product.scaled(factor.constant),
                (true, false) if !divide => factor.scaled(product.constant),
                _ => return Err((at, Fault::Product)),
            };
            if !product.is_finite() {
                return Err((at, Fault::NotFinite));
            }
        }
    }

    fn factor(&mut self) -> Result<Sum, At> {
        match self.peek() {
            Some('-') => {
                self.at += 1;
                Ok(self.factor()?.scaled(-1.0))
            }
            Some('+') => {
                self.at += 1;
                self.factor()
            }
            Some('(') => {
                self.at += 1;
                let sum = self.sum()?;
                if self.take(')') {
                    Ok(sum)
                } else {
                    Err(self.expected("`)`"))
                }
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.term(),
            _ => Err(self.expected("a number, a term or `(`")),
        }
    }

    fn number(&mut self) -> Result<Sum, At> {
        let start = self.at;
        while let Some(&c) = self.text.get(self.at) {
            let exponent = matches!(c, 'e' | 'E')
                && self.text[self.at + 1..]
                    .iter()
                    .find(|c| !matches!(c, '+' | '-'))
                    .is_some_and(char::is_ascii_digit);
            self.at += match c {
                '0'..='9' | '.' => 1,
                _ if exponent => 1 + usize::from(matches!(self.text[self.at + 1], '+' | '-')),
                _ => break,
            };
        }
        let written: String = self.text[start..self.at].iter().collect();
        match written.parse::<f64>() {
            Ok(constant) if constant.is_finite() => Ok(Sum {
                constant,
                terms: Vec::new(),
            }),
            Ok(_) => Err((start, Fault::NotFinite)),
            Err(_) => Err((
                start,
                Fault::Expected {
                    expected: "a number",
                    found: format!("`{written}`"),
                },
            )),
        }
    }

    fn term(&mut self) -> Result<Sum, At> {
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(|c| c.is_alphanumeric() || *c == '_')
        {
            self.at += 1;
        }
        let name: String = self.text[start..self.at].iter().collect();
        let Some(&(name, usage)) = TERMS.iter().find(|(n, _)| name.eq_ignore_ascii_case(n)) else {
            let names: Vec<_> = TERMS.iter().map(|(n, _)| *n).collect();
            return Err((start, unknown("term", &name, &names)));
        };
        let arguments = if self.take('(') {
            self.arguments()?
        } else {
            Vec::new()
        };
        let wrong = |takes| {
            let got = arguments.len();
            Err((start, Fault::Arguments { usage, takes, got }))
        };
        let mut weight = 1.0;
        let term = match (name, arguments.as_slice()) {
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
        Ok(Sum {
            constant: 0.0,
            terms: vec![(weight, term)],
        })
    }

    /// What stands between commas, up to and with the closing parenthesis.
    fn arguments(&mut self) -> Result<Vec<Argument>, At> {
        let mut arguments = Vec::new();
        if self.take(')') {
            return Ok(arguments);
        }
        loop {
            self.peek();
            let at = self.at;
            while self
                .text
                .get(self.at)
                .is_some_and(|c| !matches!(c, ',' | ')' | '('))
            {
                self.at += 1;
            }
            let text: String = self.text[at..self.at].iter().collect();
            if text.trim().is_empty() {
                return Err(self.expected("an argument"));
            }
            let text = text.trim().to_owned();
            arguments.push(Argument { at, text });
            if self.take(')') {
                return Ok(arguments);
            }
            if !self.take(',') {
                return Err(self.expected("`,` or `)`"));
            }
        }
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

#[cfg(test)]
mod tests {
    use spolia_network::{Convention, inception_v3};

    use super::*;
    use crate::visualize::objective::Objective;

    fn read(text: &str) -> Result<Objective, Error> {
        let network = inception_v3(Convention::Keras, Some(1));
        let vectors = Vectors::from([
            ("nuclei/size".into(), vec![0.5; 256]),
            ("contrast".into(), vec![0.25; 192]),
        ]);
        Objective::parse(text, &network, &vectors)
    }

    fn weights(text: &str) -> Vec<f64> {
        read(text)
            .unwrap()
            .terms()
            .iter()
            .map(|(w, _)| *w)
            .collect()
    }

    #[test]
    fn numbers_signs_and_parentheses() {
        assert_eq!(weights("channel(mixed5b, 3) - 0.025*tv"), [1.0, -0.025]);
        assert_eq!(weights("-2*(tv - l1*3)/4"), [-0.5, 1.5]);
        assert_eq!(weights("1e-3 * tv * 2E+2 - -blur"), [0.2, 1.0]);
        assert_eq!(weights("2*3*tv+.5*( l2 )"), [6.0, 0.5]);
        assert_eq!(weights("1 + TV - 4"), [1.0]);
        // One logit: class 0 has its negative.
        assert_eq!(weights("logit(0) + logit(1)"), [-1.0, 1.0]);
    }

    #[test]
    fn terms_and_their_arguments() {
        let network = inception_v3(Convention::Keras, Some(1));
        let layer = network.stage("Mixed_5b").unwrap();
        let term = |text| read(text).unwrap().terms()[0].1.clone();
        assert_eq!(
            term("neuron(mixed0,4)"),
            Term::Neuron {
                layer,
                channel: 4,
                at: None
            }
        );
        assert_eq!(
            term("neuron( Mixed_5b , 4 , 2 , 7 )"),
            Term::Neuron {
                layer,
                channel: 4,
                at: Some([2, 7])
            }
        );
        assert_eq!(
            term("direction(Mixed_5b, nuclei/size, 2)"),
            Term::Direction {
                layer,
                vector: vec![0.5; 256].into(),
                power: 2.0
            }
        );
        assert_eq!(term("l2(0.25)"), Term::L2 { centre: 0.25 });
        let several =
            read("channel(Mixed_6a,0) + deepdream(Mixed_5b) - channel(Mixed_6a,1)").unwrap();
        assert_eq!(
            several.layers(),
            [layer, network.stage("Mixed_6a").unwrap()]
        );
        assert!(!several.is_joint() && read("diversity(Mixed_5b)").unwrap().is_joint());
    }

    #[test]
    fn faults_point_at_their_column() {
        for (text, column, message) in [
            (
                "tv + chanel(Mixed_6a,1)",
                6,
                "no term `chanel`, did you mean `channel`?",
            ),
            (
                "channel(Mixed_5e,1)",
                9,
                "no layer `Mixed_5e`, did you mean `Mixed_5b`?",
            ),
            (
                "channel(Mixed_5b, 256)",
                19,
                "the channel is 256; Mixed_5b has channels 0 to 255",
            ),
            (
                "channel(Mixed_5b)",
                1,
                "channel(layer, c) takes a layer and a channel, got 1",
            ),
            (
                "direction(Mixed_5b, nuclei/sise)",
                21,
                "no vector `nuclei/sise`, did you mean `nuclei/size`?",
            ),
            (
                "direction(Mixed_5b, contrast)",
                21,
                "it has 192 values, Mixed_5b has 256 channels",
            ),
            ("tv*l1", 4, "by numbers only"),
            ("2/tv", 3, "by numbers only"),
            ("tv/0", 4, "not a finite number"),
            ("tv +", 5, "expected a number, a term or `(`, found the end"),
            ("(tv", 4, "expected `)`, found the end"),
            (
                "tv tv",
                4,
                "expected `+`, `-`, `*`, `/` or the end, found `t`",
            ),
            ("1.2.3*tv", 1, "expected a number, found `1.2.3`"),
            ("3 + 4", 1, "names no term"),
            ("", 1, "expected a number, a term or `(`, found the end"),
            ("logit(2)", 7, "there are classes 0 to 1"),
            (
                "channel(Mixed_5b,,1)",
                18,
                "expected an argument, found `,`",
            ),
            ("l1(2)", 4, "give a number from 0 to 1"),
            (
                "neuron(Mixed_5b,1,2)",
                1,
                "a layer, a channel and perhaps a row and a column, got 3",
            ),
            ("1e999*tv", 1, "not a finite number"),
            ("tv(1)", 1, "tv takes no argument, got 1"),
        ] {
            let error = read(text).unwrap_err();
            let Error::Objective { column: at, .. } = &error else {
                panic!("{text}: {error}");
            };
            assert_eq!(*at, column, "{text}: {error}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
        let shown = read("tv + chanel(Mixed_6a,1)").unwrap_err().to_string();
        assert!(
            shown.ends_with("\n  tv + chanel(Mixed_6a,1)\n       ^"),
            "{shown}"
        );
    }

    #[test]
    fn without_vectors_or_logits() {
        let network = inception_v3(Convention::Keras, None);
        let message = |text| {
            Objective::parse(text, &network, &Vectors::new())
                .unwrap_err()
                .to_string()
        };
        assert!(message("direction(Mixed_5b, a)").contains("no vectors were given"));
        assert!(message("logit(0)").contains("no classification layer"));
    }
}

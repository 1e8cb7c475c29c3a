//! Reads a written objective: sums and differences of products of numbers with terms and parentheses.

use spolia_network::Network;

use super::{
    Fault, Term, Vectors,
    names::{Argument, At, Known},
};
use crate::Error;

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

pub(super) fn parse(text: &str, network: &Network, vectors: &Vectors) -> Result<Sum, Error> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        depth: 0,
        known: Known { network, vectors },
    };
    parser.whole().map_err(|(at, fault)| Error::Objective {
        text: text.into(),
        column: at + 1,
        fault: Box::new(fault),
    })
}

/// Parentheses and signs inside of each other.
const DEEPEST: usize = 64;

struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    depth: usize,
    known: Known<'a>,
}

impl Parser<'_> {
    fn whole(&mut self) -> Result<Sum, At> {
        let sum = self.sum()?;
        match self.peek() {
            Some(_) => Err(self.expected("`+`, `-`, `*`, `/` or the end")),
            None if sum.terms.is_empty() => Err((0, Fault::NoTerm)),
            None if !sum.is_finite() => Err((0, Fault::NotFinite)),
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
        // A bound on what recursion takes of the stack.
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err((self.at, Fault::Nested { deepest: DEEPEST }));
        }
        let factor = self.signed_or_nested();
        self.depth -= 1;
        factor
    }

    fn signed_or_nested(&mut self) -> Result<Sum, At> {
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
        let arguments = if self.take('(') {
            self.arguments()?
        } else {
            Vec::new()
        };
        Ok(Sum {
            constant: 0.0,
            terms: vec![self.known.term(start, &name, &arguments)?],
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
    fn nesting_is_bounded() {
        let nested = |n: usize| format!("{}tv{}", "(".repeat(n), ")".repeat(n));
        assert!(read(&nested(60)).is_ok());
        let error = read(&nested(100_000)).unwrap_err().to_string();
        assert!(error.contains("more than 64"), "{}", &error[..200]);
        assert!(read(&format!("{}tv", "-".repeat(100_000))).is_err());
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

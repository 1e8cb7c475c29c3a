//! Lists of transformations as text: `pad(12) jitter(8) scale(0.9,1,1.1) rotate(-10:10:1) jitter(4)`.

use std::str::FromStr;

use super::{Sequence, Transformation};
use crate::Error;

const NAMES: &str = "pad, jitter, scale, rotate, crop, box, noise";

/// Reads transformations separated by spaces, numbers in parentheses; `low:high:step` stands for all numbers between.
/// `lucid` and `maco` stand for those lists, `none` for an empty one.
impl FromStr for Sequence {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "lucid" => return Ok(Self::lucid()),
            "maco" => return Ok(Self::maco()),
            "none" => return Ok(Self::default()),
            _ => {}
        }
        let mut list = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = rest.find(')').map_or(rest.len(), |i| i + 1);
            let (one, behind) = rest.split_at(end);
            list.push(read(one)?);
            rest = behind.trim_start();
        }
        Self::new(list)
    }
}

fn read(one: &str) -> Result<Transformation, Error> {
    let wrong = |allowed| Error::Setting {
        what: "a transformation",
        value: format!("`{one}`"),
        allowed,
    };
    let (name, numbers) = one
        .strip_suffix(')')
        .and_then(|o| o.split_once('('))
        .ok_or_else(|| wrong("a name and numbers in parentheses, such as jitter(8)"))?;
    let numbers = numbers
        .split(',')
        .map(many)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| wrong("numbers, or low:high:step"))?
        .concat();
    let pixels = || match numbers[..] {
        [n] if n >= 0.0 && n.fract() == 0.0 && n < 1e6 => Ok(n as usize),
        _ => Err(wrong("one whole number of pixels")),
    };
    Ok(match name.trim() {
        "pad" => Transformation::Pad(pixels()?),
        "jitter" => Transformation::Jitter(pixels()?),
        "crop" => Transformation::Crop(pixels()?),
        "scale" => Transformation::Scale(numbers),
        "rotate" => Transformation::Rotate(numbers),
        "box" => match numbers[..] {
            [first, last] => Transformation::Box { first, last },
            _ => return Err(wrong("two shares, such as box(0.5,0.05)")),
        },
        "noise" => match numbers[..] {
            [deviation] => Transformation::Noise(deviation),
            _ => return Err(wrong("one number")),
        },
        name => {
            return Err(Error::UnknownName {
                kind: "transformation",
                name: name.into(),
                known: NAMES.into(),
            });
        }
    })
}

/// A number, or those from low to high by a step.
fn many(text: &str) -> Option<Vec<f64>> {
    let parts: Vec<f64> = text
        .split(':')
        .map(|p| p.trim().parse().ok().filter(|v: &f64| v.is_finite()))
        .collect::<Option<_>>()?;
    match parts[..] {
        [one] => Some(vec![one]),
        [low, high, step] if step > 0.0 && high >= low && (high - low) / step < 1e4 => {
            let count = ((high - low) / step + 1e-9) as usize;
            Some((0..=count).map(|n| low + n as f64 * step).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let text = "pad(12) jitter(8) scale(0.9,1.1) rotate(-1:1:0.5,0) crop(64) box(0.5,0.05) noise(0.08)";
        let sequence: Sequence = text.parse().unwrap();
        assert_eq!(
            sequence.list()[3],
            Transformation::Rotate(vec![-1.0, -0.5, 0.0, 0.5, 1.0, 0.0])
        );
        assert_eq!(
            sequence.to_string(),
            text.replace("-1:1:0.5", "-1,-0.5,0,0.5,1")
        );
        for known in [Sequence::lucid(), Sequence::maco(), sequence] {
            assert_eq!(known.to_string().parse::<Sequence>().unwrap(), known);
        }
        assert_eq!("none".parse::<Sequence>().unwrap(), Sequence::default());
    }

    #[test]
    fn faults() {
        let message = |text: &str| text.parse::<Sequence>().unwrap_err().to_string();
        assert!(message("pad(12) jiter(8)").contains("no transformation `jiter`; there are pad"));
        assert!(message("pad(1.5)").contains("one whole number of pixels"));
        assert!(message("pad 12").contains("in parentheses"));
        assert!(message("rotate(1:2)").contains("low:high:step"));
        assert!(message("scale(-1)").contains("factors above 0"));
        assert!(message("box(0.5)").contains("two shares"));
    }
}

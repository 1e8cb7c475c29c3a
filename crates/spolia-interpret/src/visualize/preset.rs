//! How long, how fast and with which movements an image is optimised.

use std::str::FromStr;

use super::transform::Transforms;
use crate::Error;

/// A stretch of steps with the same settings. Each starts a new Adam on the image that the one before left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// Number of steps.
    pub steps: usize,
    /// Adam's learning rate.
    pub rate: f64,
    /// The movements drawn.
    pub transforms: Transforms,
    /// Weight of the total variation that is subtracted from the channel's mean.
    pub total_variation: f32,
}

/// A named schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Lucid's defaults: 512 steps with learning rate .05 and the standard movements.
    #[default]
    Lucid,
    /// Graziani et al. 2019: 512 steps with learning rate .1; 1,024 with total variation .025, learning rate .1 and
    /// light movements; 2,048 with total variation .0025 and learning rate .01. The ReLUs that feed the layer's
    /// output are left out.
    Paper,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 2] = [Self::Lucid, Self::Paper];

    /// The name used in a study.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lucid => "lucid",
            Self::Paper => "paper",
        }
    }

    /// The phases; with `steps`, as many steps in all, shared out in proportion.
    #[must_use]
    pub fn phases(self, steps: Option<usize>) -> Vec<Phase> {
        use Transforms::{Light, Standard};
        let phase = |steps, rate, transforms, total_variation| Phase {
            steps,
            rate,
            transforms,
            total_variation,
        };
        let mut phases = match self {
            Self::Lucid => vec![phase(512, 0.05, Standard, 0.0)],
            Self::Paper => {
                vec![
                    phase(512, 0.1, Standard, 0.0),
                    phase(1024, 0.1, Light, 0.025),
                    phase(2048, 0.01, Standard, 0.0025),
                ]
            }
        };
        if let Some(wanted) = steps {
            let all: usize = phases.iter().map(|p| p.steps).sum();
            let (mut before, mut done) = (0, 0);
            for phase in &mut phases {
                before += phase.steps;
                let end = (wanted as f64 * before as f64 / all as f64).round() as usize;
                phase.steps = end - done;
                done = end;
            }
        }
        phases
    }

    /// Whether the ReLUs that feed the layer's output are left out.
    #[must_use]
    pub fn linear_end(self) -> bool {
        self == Self::Paper
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|p| p.name() == name)
            .ok_or_else(|| Error::UnknownName {
                kind: "preset",
                name: name.into(),
                known: Self::ALL.map(Self::name).join(", "),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_proportion() {
        let steps =
            |preset: Preset, n| preset.phases(n).iter().map(|p| p.steps).collect::<Vec<_>>();
        assert_eq!(steps(Preset::Lucid, None), [512]);
        assert_eq!(steps(Preset::Lucid, Some(30)), [30]);
        assert_eq!(steps(Preset::Paper, None), [512, 1024, 2048]);
        assert_eq!(steps(Preset::Paper, Some(70)), [10, 20, 40]);
        assert_eq!(steps(Preset::Paper, Some(1)), [0, 0, 1]);
    }

    #[test]
    fn names() {
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse::<Preset>().unwrap(), preset);
        }
        let error = "Lucid2".parse::<Preset>().unwrap_err().to_string();
        assert_eq!(error, "no preset `Lucid2`; there are lucid, paper");
    }
}

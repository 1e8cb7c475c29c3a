//! The methods by name, and the maps that a layer's activation and gradient alone give.

use std::str::FromStr;

use super::{
    Map, eigen_cam, grad_cam, grad_cam_pp, hires_cam, layer_cam, map::weighted_sum, x_grad_cam,
};
use crate::Error;

/// An attention map's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Selvaraju et al. 2017, "Grad-CAM": a channel's weight is its mean gradient.
    GradCam,
    /// Chattopadhay et al. 2018, "Grad-CAM++": a weighted sum of the positive gradients.
    GradCamPlusPlus,
    /// Fu et al. 2020, "Axiom-based Grad-CAM": the gradients' mean weighted by the activations.
    XGradCam,
    /// Jiang et al. 2021, "LayerCAM": positive gradients weigh each position by itself.
    LayerCam,
    /// Draelos and Carin 2020, "HiResCAM": gradients weigh each position by itself.
    HiResCam,
    /// Muhammad and Yeasin 2020, "Eigen-CAM": the first principal component; the same for every class.
    EigenCam,
    /// Wang et al. 2020, "Score-CAM": a channel's weight is the logit of the image seen through it.
    ScoreCam,
    /// Sundararajan et al. 2017, "Axiomatic Attribution": gradients on the way from a plain colour to the image.
    IntegratedGradients,
    /// Zeiler and Fergus 2014: how far the logit falls where a window is covered.
    Occlusion,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 9] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::XGradCam,
        Self::LayerCam,
        Self::HiResCam,
        Self::EigenCam,
        Self::ScoreCam,
        Self::IntegratedGradients,
        Self::Occlusion,
    ];

    /// The name used in a study and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad-cam",
            Self::GradCamPlusPlus => "grad-cam++",
            Self::XGradCam => "xgrad-cam",
            Self::LayerCam => "layer-cam",
            Self::HiResCam => "hires-cam",
            Self::EigenCam => "eigen-cam",
            Self::ScoreCam => "score-cam",
            Self::IntegratedGradients => "integrated-gradients",
            Self::Occlusion => "occlusion",
        }
    }

    /// Whether the map has a layer's resolution; the others have the image's and do not depend on a layer.
    #[must_use]
    pub fn of_a_layer(self) -> bool {
        !matches!(self, Self::IntegratedGradients | Self::Occlusion)
    }

    /// Whether one pass through the network is enough; the others run it on many changed images.
    #[must_use]
    pub fn of_one_pass(self) -> bool {
        self.of_a_layer() && self != Self::ScoreCam
    }

    /// The map of one image from a layer's activation and the logit's gradient with respect to it, both rows x
    /// columns x channels (`shape`), by the papers' formulas.
    ///
    /// # Errors
    /// [`Error::Shape`] where an array's length is not `shape`'s, [`Error::NeedsNetwork`] for Score-CAM, integrated
    /// gradients and occlusion.
    pub fn map(
        self,
        activation: &[f32],
        gradient: &[f32],
        shape: [usize; 3],
    ) -> Result<Map, Error> {
        self.map_by(Compat::Paper, activation, gradient, shape)
    }

    /// [`Method::map`] by the formulas of a paper or of another program.
    ///
    /// # Errors
    /// As [`Method::map`].
    pub fn map_by(
        self,
        compat: Compat,
        activation: &[f32],
        gradient: &[f32],
        shape: [usize; 3],
    ) -> Result<Map, Error> {
        let [height, width, channels] = shape;
        for (what, array) in [("activation", activation), ("gradient", gradient)] {
            if array.len() != height * width * channels {
                return Err(Error::Shape {
                    what: what.into(),
                    expected: format!("{} values for {shape:?}", height * width * channels),
                    got: array.len().to_string(),
                });
            }
        }
        let values = match self {
            Self::GradCam => weighted_sum(activation, &grad_cam::weights(gradient, channels)),
            Self::GradCamPlusPlus => weighted_sum(
                activation,
                &match compat {
                    Compat::Paper => grad_cam_pp::weights(activation, gradient, channels),
                    Compat::PytorchGradCam => {
                        grad_cam_pp::weights_with_epsilon(activation, gradient, channels)
                    }
                },
            ),
            Self::XGradCam => weighted_sum(
                activation,
                &x_grad_cam::weights(activation, gradient, channels),
            ),
            Self::LayerCam => layer_cam::map(activation, gradient, channels),
            Self::HiResCam => hires_cam::map(activation, gradient, channels),
            Self::EigenCam => {
                eigen_cam::map(activation, channels, compat == Compat::PytorchGradCam)
            }
            Self::ScoreCam | Self::IntegratedGradients | Self::Occlusion => {
                return Err(Error::NeedsNetwork {
                    method: self.name(),
                });
            }
        };
        Ok(Map {
            height,
            width,
            values,
        })
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let (mut nearest, mut best) = (Self::GradCam, f64::NEG_INFINITY);
        for method in Self::ALL {
            if method.name() == name {
                return Ok(method);
            }
            let alike = strsim::jaro_winkler(method.name(), &name.to_lowercase());
            if alike > best {
                (nearest, best) = (method, alike);
            }
        }
        Err(Error::UnknownMethod {
            name: name.into(),
            nearest: nearest.name(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}

/// Whose formulas, where a program departs from a method's paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    /// The paper's.
    #[default]
    Paper,
    /// pytorch-grad-cam 1.5's: 1e-6 in Grad-CAM++'s denominator, centred activations in Eigen-CAM, corners aligned
    /// when Score-CAM enlarges a channel.
    PytorchGradCam,
}

/// How maps are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whose formulas.
    pub compat: Compat,
    /// The colour that stands for nothing to see, in the network's values (x / 127.5 - 1): where integrated gradients
    /// start and what covers a window. White, the glass of a slide; captum's default is 0.
    pub baseline: [f32; 3],
    /// Points of integrated gradients' quadrature.
    pub steps: usize,
    /// Side of occlusion's window, pixels; an image smaller than it is covered whole.
    pub window: usize,
    /// Step of the window, pixels, at most its side.
    pub stride: usize,
    /// Images a pass of the methods that run many.
    pub batch: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compat: Compat::Paper,
            baseline: [1.0; 3],
            steps: 32,
            window: 32,
            stride: 16,
            batch: 16,
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), Error> {
        for (what, value) in [
            ("the number of steps of integrated gradients", self.steps),
            ("the window of occlusion", self.window),
            ("the stride of occlusion", self.stride),
            ("the number of images a pass", self.batch),
        ] {
            if value == 0 {
                return Err(Error::Setting {
                    what,
                    value: "0".into(),
                    allowed: "at least 1",
                });
            }
        }
        if self.stride > self.window {
            return Err(Error::Setting {
                what: "the stride of occlusion",
                value: self.stride.to_string(),
                allowed: "at most the window's side, so that no pixel is left out",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for method in Method::ALL {
            assert_eq!(method.name().parse::<Method>().unwrap(), method);
        }
        assert_eq!(
            "ScoreCAM".parse::<Method>().unwrap_err().to_string(),
            "no attention method `ScoreCAM`, did you mean `score-cam`? There are grad-cam, grad-cam++, xgrad-cam, \
             layer-cam, hires-cam, eigen-cam, score-cam, integrated-gradients, occlusion"
        );
        for (typed, nearest) in [
            ("gradcam", "grad-cam"),
            ("gradcam++", "grad-cam++"),
            ("xgradcam", "xgrad-cam"),
            ("integrated", "integrated-gradients"),
            ("oclusion", "occlusion"),
        ] {
            let error = typed.parse::<Method>().unwrap_err().to_string();
            assert!(
                error.contains(&format!("did you mean `{nearest}`?")),
                "{error}"
            );
        }
    }

    /// A parser of command lines takes errors of this kind only.
    #[test]
    fn errors_travel() {
        fn travels<E: std::error::Error + Send + Sync + 'static>(_: &E) {}
        travels(&"cam".parse::<Method>().unwrap_err());
    }

    #[test]
    fn arrays_must_fit() {
        let error = Method::GradCam
            .map(&[1.0; 8], &[1.0; 7], [2, 2, 2])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "gradient: expected 8 values for [2, 2, 2], got 7"
        );
    }

    #[test]
    fn some_need_the_network() {
        for method in Method::ALL {
            let map = method.map(&[1.0; 8], &[1.0; 8], [2, 2, 2]);
            assert_eq!(
                matches!(map, Err(Error::NeedsNetwork { .. })),
                !method.of_one_pass()
            );
        }
    }

    #[test]
    fn options_are_checked() {
        let options = Options {
            stride: 33,
            ..Options::default()
        };
        assert!(options.check().unwrap_err().to_string().contains("33"));
        let options = Options {
            batch: 0,
            ..Options::default()
        };
        assert!(options.check().is_err() && Options::default().check().is_ok());
    }
}

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What a weight source means by its numbers. InceptionV3 comes in the first two, and takes images as x / 127.5 - 1 and
/// batch norm with epsilon 1e-3 in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// Keras / TF-slim: average pools leave the padding out of the mean; batch norm has no gamma (it is 1).
    Keras,
    /// torchvision: average pools count the padding as zeros. Architectures other than InceptionV3 take images less
    /// ImageNet's mean, divided by its standard deviation.
    Torchvision,
    /// Caffe: images are blue, green, red in 0 to 255 less ImageNet's mean.
    Caffe,
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keras => "keras",
            Self::Torchvision => "torchvision",
            Self::Caffe => "caffe",
        })
    }
}

impl FromStr for Convention {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "keras" => Ok(Self::Keras),
            "torchvision" => Ok(Self::Torchvision),
            "caffe" => Ok(Self::Caffe),
            _ => Err(Error::UnknownConvention { name: name.into() }),
        }
    }
}

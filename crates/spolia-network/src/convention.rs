use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// What a weight source means by its numbers. Both take images as x / 127.5 - 1 and batch norm with epsilon 1e-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// Keras / TF-slim: average pools leave the padding out of the mean; batch norm has no gamma (it is 1).
    Keras,
    /// torchvision: average pools count the padding as zeros.
    Torchvision,
}

impl fmt::Display for Convention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keras => "keras",
            Self::Torchvision => "torchvision",
        })
    }
}

impl FromStr for Convention {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "keras" => Ok(Self::Keras),
            "torchvision" => Ok(Self::Torchvision),
            _ => Err(Error::UnknownConvention { name: name.into() }),
        }
    }
}

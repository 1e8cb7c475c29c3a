//! One file per figure; each turns tables into an SVG text or a sheet of pictures.

pub(crate) mod attention;
mod axes;
mod by_layer;
pub(crate) mod calibration;
pub(crate) mod centre;
pub(crate) mod comparison;
pub(crate) mod controls;
mod dots;
pub(crate) mod drift;
pub(crate) mod examples;
pub(crate) mod figure1;
pub(crate) mod figure2;
pub(crate) mod filters;
pub(crate) mod heatmap;
mod layers;
mod mosaic;
mod palette;
mod pen;
pub(crate) mod pictures;
pub(crate) mod r2_by_depth;
pub(crate) mod relevance;
pub(crate) mod reuse;
pub(crate) mod roc;
mod scale_bar;
mod sheet;
pub(crate) mod training;

pub(crate) use palette::colour_map;
pub use scale_bar::{colour_bar, scale_bar};
pub use sheet::{SheetRow, attention_sheet};

/// A drawn vector figure.
pub(crate) struct Svg {
    /// File name below `figures/`.
    pub(crate) name: String,
    /// The SVG text.
    pub(crate) text: String,
}

impl Svg {
    fn new(name: &str, text: String) -> Self {
        Self {
            name: name.to_owned(),
            text,
        }
    }
}

/// `stem_name.svg`, with everything but letters, digits, `-` and `_` replaced.
fn file_name(stem: &str, name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
            _ => '-',
        })
        .collect();
    format!("{stem}_{safe}.svg")
}

/// A split's name in words.
pub(crate) fn split_words(split: &str) -> &str {
    match split {
        "val" => "validation",
        "train" => "training",
        other => other,
    }
}

//! `visualize/channels.csv`.

use std::path::Path;

use super::table;
use crate::Error;

/// One visualized channel.
pub(crate) struct Channel {
    pub(crate) network: String,
    pub(crate) layer: String,
    pub(crate) channel: usize,
    /// Optimisation steps.
    pub(crate) steps: usize,
    /// Side of the picture, pixels.
    pub(crate) size: usize,
    /// The channel's mean activation before the first and after the last step.
    pub(crate) first: Option<f64>,
    pub(crate) last: Option<f64>,
    /// The channel never activated, so there is no picture of it.
    pub(crate) dead: bool,
    /// Mean activation on its image, ReLUs in place, and the highest over the patches that were searched.
    pub(crate) optimum: Option<f64>,
    pub(crate) on_data: Option<f64>,
    /// `alive`, `unused`, `not-reached` or `dead`, by those two.
    pub(crate) state: Option<String>,
}

impl Channel {
    /// Where its picture lies, below the run folder.
    pub(crate) fn picture(&self) -> String {
        format!(
            "visualize/{}/{}/channel_{:04}.png",
            self.network, self.layer, self.channel
        )
    }
}

/// Reads the table of channels; empty where there is none.
pub(super) fn channels(path: &Path) -> Result<Vec<Channel>, Error> {
    table::read(path, |row| {
        Ok(Channel {
            network: row.text("network")?.to_owned(),
            layer: row.text("layer")?.to_owned(),
            channel: row.whole("channel")?,
            steps: row.whole("steps")?,
            size: row.whole("size")?,
            first: row.known_number("objective_first")?,
            last: row.known_number("objective_last")?,
            dead: row.flag("dead")?,
            optimum: row.optional_number("optimum")?,
            on_data: row.optional_number("on_data")?,
            state: row.optional_text("state"),
        })
    })
}

//! Figure 1: what excites each channel, layer by layer, network beside network.

use image::RgbImage;
use serde::Serialize;

use super::mosaic::{LETTER, Mosaic, text_width};
use super::pictures::{self, Missing};
use crate::Error;
use crate::run::visualize::Channel;
use crate::run::{Run, first_seen};

/// Channels shown of one layer; the rest stay in the run folder.
const SHOWN: usize = 8;
/// Side of a picture on the sheet, pixels.
const SIDE: u32 = 128;
const GAP: u32 = 6;

/// The figure as the page shows it.
#[derive(Serialize)]
pub(crate) struct Grid {
    pub(crate) networks: Vec<String>,
    pub(crate) rows: Vec<Layer>,
    /// Channels shown and channels visualized, over all networks.
    pub(crate) shown: usize,
    pub(crate) visualized: usize,
}

/// One row: a layer.
#[derive(Serialize)]
pub(crate) struct Layer {
    pub(crate) layer: String,
    pub(crate) blocks: Vec<Block>,
}

/// One network's channels of a layer.
#[derive(Serialize)]
pub(crate) struct Block {
    pub(crate) network: String,
    pub(crate) tiles: Vec<Tile>,
}

/// One channel: a picture, or words where there is none.
#[derive(Serialize)]
pub(crate) struct Tile {
    pub(crate) channel: usize,
    pub(crate) picture: Option<String>,
    pub(crate) empty: Option<&'static str>,
}

/// What stands in one place of the grid.
enum Cell {
    Picture(RgbImage),
    Dead,
    NotDrawn,
}

/// Draws the figure: the page's grid and the sheet for `figures/figure1.png`; `None` where
/// nothing was visualized.
pub(crate) fn draw(run: &Run, missing: &mut Missing) -> Result<Option<(Grid, Vec<u8>)>, Error> {
    if run.channels.is_empty() {
        return Ok(None);
    }
    let networks = run.ordered(run.channels.iter().map(|c| c.network.as_str()));
    let layers = first_seen(run.channels.iter().map(|c| c.layer.as_str()));
    let chosen: Vec<Vec<usize>> = layers.iter().map(|l| channels(run, l)).collect();

    let columns = chosen.iter().map(Vec::len).max().unwrap_or(1).min(4) as u32;
    let block = columns * (SIDE + GAP);
    let left = layers.iter().map(|l| text_width(l)).max().unwrap_or(0) + 2 * GAP;
    let lines = |channels: &[usize]| (channels.len() as u32).div_ceil(columns);
    let row = |channels: &[usize]| lines(channels) * (SIDE + LETTER + GAP) + 2 * GAP;
    let width = left + networks.len() as u32 * (block + 2 * GAP);
    let height = LETTER + 3 * GAP + chosen.iter().map(|c| row(c)).sum::<u32>();
    let mut sheet = Mosaic::new(width, height);
    let block_left = |place: usize| left + place as u32 * (block + 2 * GAP);
    for (place, network) in networks.iter().enumerate() {
        sheet.text(network, (block_left(place), GAP));
    }

    let mut rows = Vec::new();
    let mut top = LETTER + 3 * GAP;
    for (layer, channels) in layers.iter().zip(&chosen) {
        sheet.text(layer, (GAP, top));
        let mut blocks = Vec::new();
        for (place, network) in networks.iter().enumerate() {
            let mut tiles = Vec::new();
            for (i, &channel) in channels.iter().enumerate() {
                let (column, line) = (i as u32 % columns, i as u32 / columns);
                let x = block_left(place) + column * (SIDE + GAP);
                let y = top + line * (SIDE + LETTER + GAP);
                let found = run
                    .channels
                    .iter()
                    .find(|c| c.network == *network && c.layer == *layer && c.channel == channel);
                let cell = cell(run, found, missing);
                let (picture, empty) = match &cell {
                    Cell::Picture(picture) => {
                        sheet.picture(picture, (x, y), SIDE);
                        let address = pictures::data_address(picture, "figure1")?;
                        (Some(address), None)
                    }
                    Cell::Dead => {
                        sheet.empty((x, y), SIDE, &["dead:", "never", "activated"]);
                        (None, Some("dead: never activated"))
                    }
                    Cell::NotDrawn => {
                        sheet.empty((x, y), SIDE, &["no picture"]);
                        (None, Some("no picture"))
                    }
                };
                sheet.text(&channel.to_string(), (x, y + SIDE + 2));
                tiles.push(Tile {
                    channel,
                    picture,
                    empty,
                });
            }
            blocks.push(Block {
                network: (*network).to_owned(),
                tiles,
            });
        }
        rows.push(Layer {
            layer: (*layer).to_owned(),
            blocks,
        });
        top += row(channels);
    }
    let grid = Grid {
        shown: chosen.iter().map(Vec::len).sum::<usize>() * networks.len(),
        visualized: run.channels.len(),
        networks: networks.into_iter().map(str::to_owned).collect(),
        rows,
    };
    let bytes = pictures::png(&sheet.done(), "figure1.png")?;
    Ok(Some((grid, bytes)))
}

/// The channels shown of a layer: the lowest numbers, the same for every network.
fn channels(run: &Run, layer: &str) -> Vec<usize> {
    let of_layer = run.channels.iter().filter(|c| c.layer == layer);
    let mut channels = first_seen(of_layer.map(|c| c.channel));
    channels.sort_unstable();
    channels.truncate(SHOWN);
    channels
}

fn cell(run: &Run, found: Option<&Channel>, missing: &mut Missing) -> Cell {
    match found {
        None => Cell::NotDrawn,
        Some(channel) if channel.dead => Cell::Dead,
        Some(channel) => match pictures::read(&run.folder, &channel.picture(), missing) {
            Some(picture) => Cell::Picture(picture),
            None => Cell::NotDrawn,
        },
    }
}

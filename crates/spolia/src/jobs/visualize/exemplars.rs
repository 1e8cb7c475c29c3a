//! The patches that excite each channel most, and what the channel answers to them: what it does in tissue.

use std::path::Path;

use image::{Rgb, RgbImage, imageops};
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_dataset::{Patch, Problem, Reader};
use spolia_network::{Cut, StageId};

use super::name;
use crate::context::Context;
use crate::jobs::batches::{self, Pass};
use crate::jobs::model::Model;
use crate::jobs::slides::picture;

/// Patches kept of a channel.
pub const KEPT: usize = 4;
/// Side of a patch on a strip, pixels.
const SIDE: u32 = 128;
const GAP: u32 = 4;
/// The box around what the channel sees.
const BOX: Rgb<u8> = Rgb([255, 230, 0]);

/// One patch of a channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exemplar {
    /// The patch's place in the list that was looked at.
    pub place: usize,
    /// The channel's largest activation in it.
    pub activation: f32,
    /// Row and column of that activation in the layer.
    pub position: (usize, usize),
}

/// What a channel answers to patches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnData {
    /// The channel.
    pub channel: usize,
    /// Its highest mean activation over patches.
    pub most: f32,
    /// The patches with the largest activations, largest first.
    pub best: Vec<Exemplar>,
}

/// A channel's mean over a patch, its largest activation, and the row and column of that.
type Answer = (f32, f32, (usize, usize));

/// What the channels of `work`'s layers answer to the patches. Finished parts are kept in `parts`.
///
/// # Errors
/// The network cannot run, or a part cannot be written.
pub fn exemplars(
    model: &Model,
    (reader, patches): (&Reader, &[&Patch]),
    work: &[(StageId, Vec<usize>)],
    title: &str,
    parts: Option<&Path>,
    context: &Context,
) -> miette::Result<(Vec<Vec<OnData>>, Vec<Problem>)> {
    let mut taps: Vec<StageId> = work.iter().map(|w| w.0).collect();
    taps.sort_unstable();
    let Some(&deepest) = taps.last() else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut head = model.frozen(Cut::to(deepest))?;
    let pass = Pass {
        parts,
        ..Pass::new(model, reader, patches, title)
    };
    let (answers, problems) = batches::each(&pass, context, |batch| {
        let layers = head.forward(&batch.input, &taps).into_diagnostic()?;
        let mut found = Vec::new();
        for (k, &place) in batch.rows.iter().enumerate() {
            let of_layers = work.iter().map(|(stage, channels)| {
                let at = taps.iter().position(|t| t == stage).unwrap_or_default();
                let [_, _, columns, width] = layers[at].shape();
                let values = layers[at].image(k);
                let of = |&c: &usize| answer(values, (columns, width), c);
                channels.iter().map(of).collect()
            });
            found.push((place, of_layers.collect::<Vec<Vec<Answer>>>()));
        }
        Ok(found)
    })?;
    let on_data = work.iter().enumerate().map(|(layer, (_, channels))| {
        channels
            .iter()
            .enumerate()
            .map(|(k, &channel)| {
                let of = |(place, a): &(usize, Vec<Vec<Answer>>)| Exemplar {
                    place: *place,
                    activation: a[layer][k].1,
                    position: a[layer][k].2,
                };
                let mut best: Vec<Exemplar> = answers.iter().map(of).collect();
                best.sort_by(|a, b| {
                    let larger = b.activation.total_cmp(&a.activation);
                    larger.then(a.place.cmp(&b.place))
                });
                best.truncate(KEPT);
                let most = answers.iter().map(|(_, a)| a[layer][k].0);
                OnData {
                    channel,
                    most: most.fold(0.0, f32::max),
                    best,
                }
            })
            .collect()
    });
    Ok((on_data.collect(), problems))
}

fn answer(values: &[f32], (columns, width): (usize, usize), channel: usize) -> Answer {
    let (mut sum, mut most, mut at) = (0f64, f32::NEG_INFINITY, 0);
    let positions = values.iter().skip(channel).step_by(width.max(1));
    for (place, &value) in positions.enumerate() {
        sum += f64::from(value);
        if value > most {
            (most, at) = (value, place);
        }
    }
    let count = values.len() / width.max(1);
    let mean = (sum / count.max(1) as f64) as f32;
    (mean, most, (at / columns.max(1), at % columns.max(1)))
}

/// Draws a channel's patches side by side into `channel_0000_patches.png`, what the channel sees of each in a box.
///
/// # Errors
/// A patch cannot be read, or the file cannot be written.
pub fn strip(
    model: &Model,
    layer: StageId,
    (reader, patches): (&Reader, &[&Patch]),
    on_data: &OnData,
    folder: &Path,
) -> miette::Result<()> {
    let shown: Vec<&Exemplar> = on_data.best.iter().filter(|e| e.activation > 0.0).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let width = shown.len() as u32 * (SIDE + GAP) - GAP;
    let mut sheet = RgbImage::from_pixel(width, SIDE, Rgb([255; 3]));
    for (k, exemplar) in shown.into_iter().enumerate() {
        let read = reader.read(patches[exemplar.place]).into_diagnostic()?;
        let size = (read.width, read.height);
        let Some(whole) = RgbImage::from_raw(size.0 as u32, size.1 as u32, read.data) else {
            continue;
        };
        let mut shown = imageops::resize(&whole, SIDE, SIDE, imageops::FilterType::Triangle);
        if let Some([rows, columns]) = model.network.receptive_fields(layer) {
            let (row, column) = exemplar.position;
            let down = scaled(rows.within(row, size.1), size.1);
            let across = scaled(columns.within(column, size.0), size.0);
            outline(&mut shown, across, down);
        }
        let left = i64::from(k as u32 * (SIDE + GAP));
        imageops::replace(&mut sheet, &shown, left, 0);
    }
    let file = folder.join(name(on_data.channel, "png").replace(".png", "_patches.png"));
    picture(sheet, &file)
}

/// Pixels of the strip.
fn scaled((first, end): (usize, usize), side: usize) -> (u32, u32) {
    let of = |v: usize| (v * SIDE as usize / side.max(1)).min(SIDE as usize - 1) as u32;
    (of(first), of(end))
}

fn outline(picture: &mut RgbImage, (left, right): (u32, u32), (top, bottom): (u32, u32)) {
    for inset in 0..2 {
        for x in left..=right {
            for y in [
                (top + inset).min(bottom),
                bottom.saturating_sub(inset).max(top),
            ] {
                picture.put_pixel(x, y, BOX);
            }
        }
        for y in top..=bottom {
            for x in [
                (left + inset).min(right),
                right.saturating_sub(inset).max(left),
            ] {
                picture.put_pixel(x, y, BOX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_a_channel() {
        // 2 x 2 positions of two channels.
        let values = [1.0, 9.0, 3.0, 0.0, 2.0, 0.0, 6.0, 0.0];
        assert_eq!(answer(&values, (2, 2), 0), (3.0, 6.0, (1, 1)));
        assert_eq!(answer(&values, (2, 2), 1), (2.25, 9.0, (0, 0)));
    }

    #[test]
    fn boxes_lie_within_the_picture() {
        let mut picture = RgbImage::new(SIDE, SIDE);
        outline(&mut picture, scaled((0, 96), 96), scaled((24, 48), 96));
        assert_eq!(picture.get_pixel(0, 40).0, BOX.0);
        assert_eq!(picture.get_pixel(127, 64).0, BOX.0);
        assert_eq!(picture.get_pixel(64, 20).0, [0; 3]);
    }
}

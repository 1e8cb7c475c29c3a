//! The images that excite channels most, several channels at a time; finished channels are never redone.

pub mod compare;
pub mod estimate;
pub mod exemplars;
pub mod written;

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, RgbImage};
use miette::IntoDiagnostic;
use serde::{Deserialize, Serialize};
use spolia_interpret::visualize::{Settings, render};
use spolia_network::{Cut, Memory, StageId};

use super::model::Model;
use crate::progress::Task;
use crate::run_folder::write_atomic;

/// What is kept of a finished channel beside its image: `channel_0007.json`. Numbers as text, so that they come back as
/// they were.
#[derive(Debug, Serialize, Deserialize)]
pub struct Channel {
    /// Its number.
    pub channel: usize,
    /// Steps made.
    pub steps: usize,
    /// Side of the image, pixels.
    pub size: usize,
    /// The objective before each step.
    pub objective: Vec<String>,
    /// Mean activation on the finished image.
    pub activation: String,
    /// It never activated; there is no image.
    pub dead: bool,
}

/// What `--batch auto` chooses from.
pub const BATCHES: [usize; 6] = [32, 16, 8, 4, 2, 1];

/// Bytes that drawing channels of any of `layers` needs by how many are drawn at a time, on images of `side` pixels.
///
/// # Errors
/// The network does not take images of this size.
pub fn needs(
    model: &Model,
    layers: &[StageId],
    side: usize,
) -> miette::Result<impl Fn(usize) -> u64 + use<>> {
    let mut all = Vec::new();
    for &layer in layers {
        let cut = Cut::to(layer);
        let memory = Memory::input_gradient(&model.network, cut, &[layer], side, side);
        all.push(memory.into_diagnostic()?);
    }
    // The image, its spectrum, the optimiser's two moments, the gradient: each some copies of the image.
    let image = 16 * 4 * 3 * (side * side) as u64;
    Ok(move |channels: usize| {
        let most = all.iter().map(|memory| memory.of(channels)).max();
        most.unwrap_or(0) + channels as u64 * image
    })
}

/// Draws `channels` of a layer into `folder`, `batch` at a time.
///
/// # Errors
/// The network cannot run at this size, a channel does not exist, or the folder cannot be written.
pub fn draw(
    model: &Model,
    layer: StageId,
    channels: &[usize],
    batch: usize,
    settings: &Settings,
    folder: &Path,
    task: &Task,
) -> miette::Result<Vec<Channel>> {
    let mut drawn = Vec::new();
    for channels in channels.chunks(batch.max(1)) {
        // A batch is finished as a whole: which channels share it is part of the arithmetic.
        let kept: Option<Vec<Channel>> = channels.iter().map(|&c| finished(folder, c)).collect();
        if let Some(kept) = kept {
            task.advance(settings.total_steps() * channels.len());
            drawn.extend(kept);
            continue;
        }
        let mut seen = 0;
        let rendered = render(
            crate::engine::chosen(),
            &model.network,
            &model.weights,
            layer,
            channels,
            settings,
            &mut |step| {
                task.advance((step - seen) * channels.len());
                seen = step;
                true
            },
        )
        .into_diagnostic()?;
        for image in rendered {
            let channel = Channel {
                channel: image.channel,
                steps: settings.total_steps(),
                size: settings.size,
                objective: image.curve.iter().map(f32::to_string).collect(),
                activation: image.activation.to_string(),
                dead: image.dead,
            };
            if !image.dead {
                let png = png(settings.size, settings.size, image.rgb)?;
                write_atomic(&folder.join(name(image.channel, "png")), &png)?;
            }
            let json = serde_json::to_vec(&channel).into_diagnostic()?;
            write_atomic(&folder.join(name(image.channel, "json")), &json)?;
            drawn.push(channel);
        }
    }
    Ok(drawn)
}

fn name(channel: usize, ending: &str) -> String {
    format!("channel_{channel:04}.{ending}")
}

fn finished(folder: &Path, channel: usize) -> Option<Channel> {
    let bytes = std::fs::read(folder.join(name(channel, "json"))).ok()?;
    let kept: Channel = serde_json::from_slice(&bytes).ok()?;
    (kept.dead || folder.join(name(channel, "png")).exists()).then_some(kept)
}

/// A picture's pixels.
///
/// # Errors
/// The file cannot be read.
pub fn read_rgb(file: &Path) -> miette::Result<RgbImage> {
    let image = image::open(file).map_err(|e| miette::miette!("{}: {e}", file.display()))?;
    Ok(image.into_rgb8())
}

/// An image as a PNG file's bytes.
///
/// # Errors
/// The pixels are not `width` x `height` x 3.
pub fn png(width: usize, height: usize, rgb: Vec<u8>) -> miette::Result<Vec<u8>> {
    let image = RgbImage::from_raw(width as u32, height as u32, rgb).ok_or_else(|| {
        miette::miette!("an image of {width}x{height} px with another number of pixels")
    })?;
    let mut bytes = Cursor::new(Vec::new());
    image
        .write_to(&mut bytes, ImageFormat::Png)
        .into_diagnostic()?;
    Ok(bytes.into_inner())
}

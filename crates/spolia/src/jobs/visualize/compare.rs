//! Two networks' images of the same channels, beside images of one network from two starts.

use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use spolia_interpret::visualize::compare::{
    ChannelPair, Complexity, CrossActivation, Resampling, by_layer, complexity,
    feature_dissimilarity, over_depth, pixel_dissimilarity,
};
use spolia_network::{
    Convention, Cut, Frozen, Initialisation, Normalisation, StageId, inception_v3, initialise,
};

use super::{name, read_rgb};
use crate::jobs::model::Model;
use crate::run_folder::cell;

/// Rows of a table.
pub type Rows = Vec<Vec<String>>;

/// Columns of comparison.csv.
pub const HEADER: [&str; 17] = [
    "before",
    "after",
    "layer",
    "depth",
    "measure",
    "channels",
    "between",
    "between_low",
    "between_high",
    "null",
    "null_low",
    "null_high",
    "excess",
    "excess_low",
    "excess_high",
    "p_value",
    "q_value",
];

/// Columns of comparison_slopes.csv.
pub const SLOPES: [&str; 8] = [
    "before", "after", "measure", "layers", "channels", "slope", "low", "high",
];

/// Columns of complexity.csv.
pub const COMPLEXITY: [&str; 8] = [
    "network",
    "layer",
    "channel",
    "spectral_slope",
    "high_frequency",
    "edge_density",
    "colour_entropy",
    "compressed_bits",
];

/// The measures of complexity, of which the difference after less before is compared.
const OF_ONE: [&str; 5] = [
    "spectral_slope",
    "high_frequency",
    "edge_density",
    "colour_entropy",
    "compressed_bits",
];
/// The measures of two images.
const OF_TWO: [&str; 5] = [
    "absolute",
    "colour",
    "spectrum",
    "features",
    "lost_activation",
];

/// The third network's layer, averaged over positions: textures of its 256 channels.
const FEATURES: &str = "Mixed_5b";

/// A network with its images.
pub struct Drawn<'a> {
    /// Its name.
    pub network: &'a str,
    /// Its weights.
    pub model: &'a Model,
    /// Folder of its images, a folder a layer.
    pub images: PathBuf,
    /// Folder of those from another start.
    pub again: PathBuf,
}

/// One decoded image.
struct Picture {
    rgb: Vec<u8>,
    width: usize,
    height: usize,
}

fn read(folder: &Path, channel: usize) -> miette::Result<Option<Picture>> {
    let file = folder.join(name(channel, "png"));
    if !file.exists() {
        return Ok(None);
    }
    let rgb = read_rgb(&file)?;
    Ok(Some(Picture {
        width: rgb.width() as usize,
        height: rgb.height() as usize,
        rgb: rgb.into_raw(),
    }))
}

/// The complexity of each image that was drawn.
///
/// # Errors
/// An image cannot be read.
pub fn complexities(
    network: &str,
    images: &Path,
    work: &[(&'static str, Vec<usize>)],
) -> miette::Result<Rows> {
    let mut rows = Rows::new();
    for (layer, channels) in work {
        for &channel in channels {
            if let Some(picture) = read(&images.join(layer), channel)? {
                let found = measures(&picture)?;
                let mut row = vec![network.to_string(), layer.to_string(), channel.to_string()];
                row.extend(values(&found).map(cell));
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

fn measures(picture: &Picture) -> miette::Result<Complexity> {
    complexity(&picture.rgb, picture.width, picture.height).into_diagnostic()
}

fn values(found: &Complexity) -> [Option<f64>; 5] {
    [
        found.spectral_slope,
        found.high_frequency,
        Some(found.edge_density),
        Some(found.colour_entropy),
        Some(found.compressed_bits),
    ]
}

/// Rows of comparison.csv (without q-values) and comparison_slopes.csv for two networks, of the channels that both drew from
/// both starts.
///
/// # Errors
/// An image cannot be read, or a network cannot run.
pub fn compare(
    [before, after]: [&Drawn<'_>; 2],
    work: &[(&'static str, Vec<usize>)],
    seed: u64,
) -> miette::Result<(Rows, Rows)> {
    let mut pairs: Vec<Vec<ChannelPair>> = vec![Vec::new(); OF_ONE.len() + OF_TWO.len()];
    let third = third()?;
    let features = third.network.stage(FEATURES).into_diagnostic()?;
    let mut third = Head::new(&third, features)?;
    for (depth, (layer, channels)) in work.iter().enumerate() {
        let stage = |model: &Model| model.network.stage(layer).into_diagnostic();
        let mut heads = Heads {
            before: Head::new(before.model, stage(before.model)?)?,
            after: Head::new(after.model, stage(after.model)?)?,
            third: &mut third,
        };
        for &channel in channels {
            let at = |folder: &Path| read(&folder.join(layer), channel);
            let found = [
                at(&before.images)?,
                at(&before.again)?,
                at(&after.images)?,
                at(&after.again)?,
            ];
            let [Some(b), Some(b2), Some(a), Some(a2)] = found else {
                continue;
            };
            let differences = of_channel(&mut heads, channel, [&b, &b2, &a, &a2])?;
            for (pairs, (between, null)) in pairs.iter_mut().zip(differences) {
                if let (Some(between), Some(null)) = (between, null) {
                    pairs.push(ChannelPair {
                        layer: layer.to_string(),
                        depth: depth as f64,
                        channel,
                        between,
                        null,
                    });
                }
            }
        }
    }
    let how = Resampling {
        seed,
        ..Resampling::default()
    };
    let (mut rows, mut slopes) = (Rows::new(), Rows::new());
    for (measure, pairs) in OF_ONE.iter().chain(&OF_TWO).zip(&pairs) {
        let start = vec![before.network.to_string(), after.network.to_string()];
        for layer in by_layer(pairs, how).into_diagnostic()? {
            let mut row = start.clone();
            row.extend([layer.layer, layer.depth.to_string(), measure.to_string()]);
            row.push(layer.channels.to_string());
            for estimate in [layer.between, layer.null, layer.excess] {
                let ends = estimate.interval.map(|i| (i.low, i.high));
                row.extend([Some(estimate.mean), ends.map(|e| e.0), ends.map(|e| e.1)].map(cell));
            }
            row.extend([layer.p_value.to_string(), String::new()]);
            rows.push(row);
        }
        let layers = {
            let mut depths: Vec<f64> = pairs.iter().map(|p| p.depth).collect();
            depths.sort_by(f64::total_cmp);
            depths.dedup();
            depths.len()
        };
        if layers > 1 {
            let found = over_depth(pairs, how).into_diagnostic()?;
            let mut row = start;
            row.extend([
                measure.to_string(),
                layers.to_string(),
                pairs.len().to_string(),
            ]);
            row.extend(
                [found.slope, found.interval.low, found.interval.high].map(|v| v.to_string()),
            );
            slopes.push(row);
        }
    }
    Ok((rows, slopes))
}

/// The third network: random weights, the same in every study, so that it belongs to neither side.
fn third() -> miette::Result<Model> {
    let network = inception_v3(Convention::Keras, None);
    Model::new(
        initialise(&network, Initialisation::Xavier, 0),
        Some(Convention::Keras),
    )
}

/// A network up to a layer.
struct Head {
    frozen: Box<dyn Frozen>,
    layer: StageId,
    normalisation: Normalisation,
}

impl Head {
    fn new(model: &Model, layer: StageId) -> miette::Result<Self> {
        Ok(Self {
            frozen: model.frozen(Cut::to(layer))?,
            layer,
            normalisation: *model.network.normalisation(),
        })
    }

    /// The mean activation of each channel on each picture.
    fn means<const N: usize>(&mut self, pictures: [&Picture; N]) -> miette::Result<[Vec<f32>; N]> {
        let [width, height] = pictures.first().map_or([0; 2], |p| [p.width, p.height]);
        let pixels = pictures.map(|p| p.rgb.as_slice());
        let input = self.normalisation.tensor(&pixels, width, height);
        let input = input.into_diagnostic()?;
        let taps = self
            .frozen
            .forward(&input, &[self.layer])
            .into_diagnostic()?;
        let mut means = taps[0].spatial_mean().into_iter();
        Ok(std::array::from_fn(|_| means.next().unwrap_or_default()))
    }
}

struct Heads<'a> {
    before: Head,
    after: Head,
    third: &'a mut Head,
}

/// Each measure between the networks and between the starts: of complexity the difference after less before (and second start
/// less first), of two images their dissimilarity; the null is the mean over both networks.
fn of_channel(
    heads: &mut Heads<'_>,
    channel: usize,
    all: [&Picture; 4],
) -> miette::Result<Vec<(Option<f64>, Option<f64>)>> {
    let [b, b2, a, a2] = all;
    let mut found = Vec::new();
    let [cb, cb2, ca, ca2] = all.map(measures);
    let [cb, cb2, ca, ca2] = [values(&cb?), values(&cb2?), values(&ca?), values(&ca2?)];
    let less = |x: Option<f64>, y: Option<f64>| Some(x? - y?);
    let mean = |x: Option<f64>, y: Option<f64>| Some(f64::midpoint(x?, y?));
    for k in 0..OF_ONE.len() {
        let null = mean(less(cb2[k], cb[k]), less(ca2[k], ca[k]));
        found.push((less(ca[k], cb[k]), null));
    }
    let [fb, fb2, fa, fa2] = heads.third.means(all)?;
    let between = apart((b, &fb), (a, &fa))?;
    let nulls = [apart((b, &fb), (b2, &fb2))?, apart((a, &fa), (a2, &fa2))?];
    for k in 0..between.len() {
        found.push((between[k], mean(nulls[0][k], nulls[1][k])));
    }
    let answer =
        |means: [Vec<f32>; 4]| means.map(|m| m.get(channel).map_or(0.0, |&v| f64::from(v)));
    let by_before = answer(heads.before.means(all)?);
    let by_after = answer(heads.after.means(all)?);
    let lost = |own: [f64; 2], other: [f64; 2]| {
        let crossed = CrossActivation {
            first_on_first: own[0],
            first_on_second: own[1],
            second_on_first: other[0],
            second_on_second: other[1],
        };
        crossed.ratio().map(|kept| 1.0 - kept)
    };
    let between = lost([by_before[0], by_before[2]], [by_after[0], by_after[2]]);
    let of_before = lost([by_before[0], by_before[1]], [by_before[0], by_before[1]]);
    let of_after = lost([by_after[2], by_after[3]], [by_after[2], by_after[3]]);
    found.push((between, mean(of_before, of_after)));
    Ok(found)
}

/// Dissimilarity of two images: absolute, of colours, of spectra, and of their features in the third network.
fn apart(
    (first, of_first): (&Picture, &[f32]),
    (second, of_second): (&Picture, &[f32]),
) -> miette::Result<[Option<f64>; 4]> {
    let (width, height) = (first.width, first.height);
    let pixels = pixel_dissimilarity(&first.rgb, &second.rgb, width, height).into_diagnostic()?;
    let features = feature_dissimilarity(of_first, of_second).into_diagnostic()?;
    Ok([
        Some(pixels.absolute),
        Some(pixels.colour),
        pixels.spectrum,
        features,
    ])
}

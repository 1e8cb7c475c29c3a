//! Probability and attention over a whole slide, stitched from overlapping patches.
//!
//! Each finished patch is a row of heatmap.csv and a map in `maps.f32`, both only ever appended to, so that a killed run goes on
//! after the last whole row; in memory are one batch and the stitched maps, whose size is bounded.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::RgbImage;
use miette::IntoDiagnostic;
use serde::Serialize;
use spolia_interpret::attention::{Map, Method, Options, Path as Cuts};
use spolia_network::{Cpu, Normalisation};
use spolia_slide::Slide;
use spolia_slide::annotation::{Label, LabelRule};
use spolia_slide::patches::{self, Patch, Resolved, Sampling};
use spolia_slide::tissue::{self, Mask};

use super::drawn::{self, Drawn};
use super::names::name;
use super::stitch::Stitch;
use crate::context::Context;
use crate::jobs::model::Model;
use crate::run_folder::{StepKey, cell, file_state, write_atomic};

/// Patches a pass.
const BATCH: usize = 16;

/// Columns of heatmap.csv.
const HEADER: &str = "x,y,logit,p,attention\n";

/// How slides are mapped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Side of a patch in its own pixels.
    pub size: u32,
    /// µm/px; none where `level` says.
    pub mpp: Option<f64>,
    /// Level of the pyramid, where `mpp` is not asked for.
    pub level: usize,
    /// µm/px of level 0, of slides whose file does not say.
    pub slide_mpp: Option<f64>,
    /// Share of a patch that its neighbour covers.
    pub overlap: f64,
    /// Least share of tissue.
    pub tissue: f64,
    /// Layer of the attention.
    pub layer: String,
    /// Label of the class.
    pub class: usize,
    /// Its name.
    pub class_name: String,
}

/// What was done with a slide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The slide.
    pub slide: String,
    /// Patches mapped.
    pub patches: usize,
    /// Patches that could not be read.
    pub failed: usize,
    /// Area that the patches stand for, mm², where the width of a pixel is known.
    pub mm2: Option<f64>,
    /// Seconds of this run; less where it went on with an earlier one.
    pub seconds: f64,
    /// Seconds for each mm² mapped by this run.
    pub seconds_per_mm2: Option<f64>,
    /// Width of a cell of the stitched maps, µm.
    pub cell_um: Option<f64>,
    /// Attention that the strongest colour stands for: the 99th percentile over all cells.
    pub attention_scale: f32,
}

/// Maps one slide into `out`.
///
/// # Errors
/// The slide cannot be read or has no tissue, its µm/px is asked for and not known, the network cannot run at this size, or a
/// file cannot be written.
pub fn heatmap(
    file: &Path,
    (model, weights): (&Model, &Path),
    (plan, method): (&Plan, Method),
    out: &Path,
    context: &Context,
) -> miette::Result<Summary> {
    let begun = Instant::now();
    let own = name(file);
    let slide = Slide::open_with(
        file,
        &spolia_slide::slide::Options {
            mpp: plan.slide_mpp,
            ..Default::default()
        },
    )
    .into_diagnostic()?;
    let mask = Mask::find(&slide, &tissue::Options::default()).into_diagnostic()?;
    let sampling = Sampling {
        size: plan.size,
        resolved: plan.mpp.map_or(Resolved::Level(plan.level), Resolved::Mpp),
        tissue: plan.tissue,
        rule: LabelRule::default(),
        classes: vec![Label::Normal, Label::Tumor],
        overlap: plan.overlap,
    };
    let patches = patches::grid(&slide, &mask, None, &sampling).into_diagnostic()?;
    let Some(first) = patches.first() else {
        let why = mask.empty_reason();
        let why = why.map_or_else(|| "no patch has enough of it".into(), |w| w.to_string());
        return Err(miette::miette!(
            "{}: no tissue to map: {why}",
            file.display()
        ));
    };
    let span = first.span;
    let key = StepKey::new("heatmap")
        .with("plan", plan)?
        .with("method", &method.name())?
        .with("slide", &(file.display().to_string(), file_state(file)))?
        .file("weights", weights)?
        .finish();
    std::fs::create_dir_all(out).into_diagnostic()?;
    let mut kept = Kept::open(out, &key)?;
    let mut maps = Stitched {
        probability: Stitch::new(slide.dimensions(), span),
        attention: Stitch::new(slide.dimensions(), span),
    };
    let before = kept.replay(&patches, |patch, p, map| maps.add(patch, p, map))?;
    let layer = model.network.stage(&plan.layer).into_diagnostic()?;
    let mut walk = Walk {
        cuts: Cuts::new(&Cpu, &model.network, &model.weights, &[layer]).into_diagnostic()?,
        normalisation: *model.network.normalisation(),
        logits: model.logits()?,
        plan,
        method,
    };
    let task = context
        .progress
        .start(&format!("heatmap {own}"), patches.len());
    task.advance(before);
    let left = &patches[before..];
    let read = |batch: &[Patch]| -> Vec<spolia_slide::Result<RgbImage>> {
        let some = patches::read(&slide, batch);
        some.map(|(_, image)| image).collect()
    };
    let mut batches = left.chunks(BATCH).peekable();
    let mut ahead = batches.peek().map(|batch| read(batch));
    while let Some(batch) = batches.next() {
        let images = ahead.take().unwrap_or_else(|| read(batch));
        let next = batches.peek();
        // The next patches are read while the network runs.
        let (found, coming) = std::thread::scope(|scope| {
            let reader = next.map(|next| scope.spawn(|| read(next)));
            let found = walk.maps(batch, images);
            (found, reader.map(|reader| reader.join()))
        });
        ahead = coming.and_then(Result::ok);
        for (patch, found) in batch.iter().zip(found?) {
            match found {
                Ok(found) => {
                    kept.push(patch, Some(&found))?;
                    maps.add(patch, found.p, &found.map);
                }
                Err(why) => {
                    eprintln!("{} ({own}): {why}", patch.id());
                    kept.push(patch, None)?;
                }
            }
        }
        kept.flush()?;
        task.advance(batch.len());
    }
    task.finish();
    let stride = span * (1.0 - plan.overlap);
    let mm = slide.mpp().map(|mpp| mpp.mean() / 1e3);
    let area = |patches: usize| mm.map(|mm| patches as f64 * (stride * mm).powi(2));
    let seconds = begun.elapsed().as_secs_f64();
    let attention = maps.attention.map();
    let summary = Summary {
        slide: own,
        patches: patches.len() - kept.failed,
        failed: kept.failed,
        mm2: area(patches.len()),
        seconds,
        seconds_per_mm2: area(left.len()).filter(|a| *a > 0.0).map(|a| seconds / a),
        cell_um: mm.map(|mm| mm * 1e3 * maps.probability.cell),
        attention_scale: drawn::percentile(&attention, 0.99),
    };
    let probability = maps.probability.map();
    drawn::write(
        &Drawn {
            slide: &slide,
            cell: maps.probability.cell,
            probability: &probability,
            attention: &attention,
            scale: summary.attention_scale,
            class_name: &plan.class_name,
        },
        out,
    )?;
    drop(maps);
    kept.geojson(&patches, stride, &plan.class_name, out)?;
    let text = serde_json::to_vec_pretty(&summary).into_diagnostic()?;
    write_atomic(&out.join("summary.json"), &text)?;
    Ok(summary)
}

struct Stitched {
    probability: Stitch,
    attention: Stitch,
}

impl Stitched {
    fn add(&mut self, patch: &Patch, p: f32, map: &Map) {
        let flat = Map {
            height: 1,
            width: 1,
            values: vec![p],
        };
        self.probability.add((patch.x, patch.y), patch.span, &flat);
        self.attention.add((patch.x, patch.y), patch.span, map);
    }
}

/// What the network says of a patch.
struct Found {
    logit: f32,
    p: f32,
    map: Map,
}

struct Walk<'a> {
    cuts: Cuts,
    normalisation: Normalisation,
    logits: usize,
    plan: &'a Plan,
    method: Method,
}

impl Walk<'_> {
    /// The maps of the patches that could be read.
    fn maps(
        &mut self,
        batch: &[Patch],
        images: Vec<spolia_slide::Result<RgbImage>>,
    ) -> miette::Result<Vec<Result<Found, String>>> {
        let (mut pixels, mut found) = (Vec::new(), Vec::new());
        for image in images {
            found.push(match image {
                Ok(image) => {
                    pixels.push(image.into_raw());
                    Ok(())
                }
                Err(error) => Err(error.to_string()),
            });
        }
        let side = batch.first().map_or(0, |p| p.size as usize);
        let bytes: Vec<&[u8]> = pixels.iter().map(Vec::as_slice).collect();
        let mut maps = Vec::new();
        if !bytes.is_empty() {
            let input = self.normalisation.tensor(&bytes, side, side);
            let input = input.into_diagnostic()?;
            // Glass is white in the network's own values.
            let options = Options {
                baseline: self.normalisation.from_unit([1.0; 3]),
                ..Options::default()
            };
            maps = self
                .cuts
                .maps(&input, self.plan.class, &[self.method], &options)
                .into_diagnostic()?;
        }
        let mut maps = maps.into_iter();
        let class = self.plan.class;
        Ok(found
            .into_iter()
            .map(|read| {
                read?;
                let mut one = maps.next().ok_or("the network gave no map")?;
                let logit = if self.logits == 1 { 0 } else { class };
                Ok(Found {
                    logit: one.logits.get(logit).copied().unwrap_or(f32::NAN),
                    p: one.probabilities.get(class).copied().unwrap_or(f32::NAN),
                    map: one.maps.pop().ok_or("the network gave no map")?,
                })
            })
            .collect())
    }
}

/// The rows and maps that are finished.
struct Kept {
    rows: BufWriter<File>,
    maps: BufWriter<File>,
    folder: PathBuf,
    failed: usize,
}

impl Kept {
    /// Opens what an earlier run with the same `key` left, or begins anew.
    fn open(out: &Path, key: &str) -> miette::Result<Self> {
        let folder = out.to_path_buf();
        let mark = folder.join("inputs");
        if std::fs::read_to_string(&mark).ok().as_deref() != Some(key) {
            for old in ["heatmap.csv", "maps.f32"] {
                let _ = std::fs::remove_file(folder.join(old));
            }
            write_atomic(&mark, key.as_bytes())?;
        }
        let append = |name: &str| {
            let path = folder.join(name);
            let opened = OpenOptions::new().create(true).append(true).open(&path);
            opened
                .map(BufWriter::new)
                .map_err(|e| miette::miette!("cannot write {}: {e}", path.display()))
        };
        Ok(Self {
            rows: append("heatmap.csv")?,
            maps: append("maps.f32")?,
            folder,
            failed: 0,
        })
    }

    /// Hands on what is finished, cuts off what a kill left half written, and returns the number of finished patches.
    fn replay(
        &mut self,
        patches: &[Patch],
        mut each: impl FnMut(&Patch, f32, &Map),
    ) -> miette::Result<usize> {
        let (rows, maps) = (
            self.folder.join("heatmap.csv"),
            self.folder.join("maps.f32"),
        );
        let text = std::fs::read_to_string(&rows).into_diagnostic()?;
        let mut values = BufReader::new(File::open(&maps).into_diagnostic()?);
        let body = text.strip_prefix(HEADER).unwrap_or_default();
        let lines: Vec<(&str, &Patch)> = body.split_inclusive('\n').zip(patches).collect();
        let whole = lines
            .iter()
            .take_while(|(line, patch)| parsed(line, patch).is_some())
            .count();
        // Only whole batches: which patches share one is part of the arithmetic.
        let kept = if whole == patches.len() {
            whole
        } else {
            whole / BATCH * BATCH
        };
        let (mut done, mut good, mut used) = (0, HEADER.len(), 0u64);
        for (line, patch) in &lines[..kept] {
            let Some((logit, p)) = parsed(line, patch) else {
                break;
            };
            if logit.is_empty() {
                self.failed += 1;
            } else {
                let Some((map, bytes)) = read_map(&mut values) else {
                    break;
                };
                each(patch, p, &map);
                used += bytes;
            }
            good += line.len();
            done += 1;
        }
        let cut = |path: &Path, length: u64| {
            let file = OpenOptions::new().write(true).open(path);
            file.and_then(|f| f.set_len(length)).into_diagnostic()
        };
        cut(&maps, used)?;
        if done == 0 {
            cut(&rows, 0)?;
            self.rows.write_all(HEADER.as_bytes()).into_diagnostic()?;
            self.rows.flush().into_diagnostic()?;
        } else {
            cut(&rows, good as u64)?;
        }
        Ok(done)
    }

    /// Adds a finished patch, or one that could not be read.
    fn push(&mut self, patch: &Patch, found: Option<&Found>) -> miette::Result<()> {
        let cells = found.map(|f| {
            let mean = f.map.values.iter().map(|v| f64::from(*v)).sum::<f64>();
            let mean = mean / f.map.values.len().max(1) as f64;
            [f64::from(f.logit), f64::from(f.p), mean]
        });
        self.failed += usize::from(found.is_none());
        let [logit, p, mean] = [0, 1, 2].map(|k| cell(cells.map(|c| c[k])));
        writeln!(self.rows, "{},{},{logit},{p},{mean}", patch.x, patch.y).into_diagnostic()?;
        if let Some(found) = found {
            let sides = [found.map.height as u32, found.map.width as u32];
            for side in sides {
                self.maps.write_all(&side.to_le_bytes()).into_diagnostic()?;
            }
            for value in &found.map.values {
                self.maps
                    .write_all(&value.to_le_bytes())
                    .into_diagnostic()?;
            }
        }
        Ok(())
    }

    /// The maps first, so that a row never stands for a map that is not there.
    fn flush(&mut self) -> miette::Result<()> {
        self.maps.flush().into_diagnostic()?;
        self.rows.flush().into_diagnostic()
    }

    /// Writes patches.geojson, row by row: for QuPath a detection per patch, of the part that no neighbour is nearer to.
    fn geojson(
        &self,
        patches: &[Patch],
        stride: f64,
        class: &str,
        out: &Path,
    ) -> miette::Result<()> {
        let target = out.join("patches.geojson");
        let beside = out.join(".patches.geojson.part");
        let rows = BufReader::new(File::open(self.folder.join("heatmap.csv")).into_diagnostic()?);
        let mut file = BufWriter::new(File::create(&beside).into_diagnostic()?);
        let mut write = |text: &str| file.write_all(text.as_bytes()).into_diagnostic();
        write("{\"type\":\"FeatureCollection\",\"features\":[")?;
        let mut table = csv::Reader::from_reader(rows);
        let mut first = true;
        for (record, patch) in table.records().zip(patches) {
            let record = record.into_diagnostic()?;
            let number = |k: usize| record.get(k).and_then(|c| c.parse::<f64>().ok());
            let (Some(p), Some(attention)) = (number(3), number(4)) else {
                continue;
            };
            let feature = feature(patch, stride, (class, p, attention));
            write(if first { "\n" } else { ",\n" })?;
            write(&feature.to_string())?;
            first = false;
        }
        write("\n]}\n")?;
        file.flush().into_diagnostic()?;
        std::fs::rename(&beside, &target).into_diagnostic()
    }
}

fn feature(
    patch: &Patch,
    stride: f64,
    (class, p, attention): (&str, f64, f64),
) -> serde_json::Value {
    let margin = (patch.span - stride) / 2.0;
    let (x0, y0) = (patch.x as f64 + margin, patch.y as f64 + margin);
    let (x1, y1) = (x0 + stride, y0 + stride);
    let classification = if p >= 0.5 {
        serde_json::json!({ "name": class })
    } else {
        serde_json::json!({ "name": format!("not {class}") })
    };
    serde_json::json!({
        "type": "Feature",
        "geometry": { "type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]] },
        "properties": {
            "objectType": "detection",
            "classification": classification,
            "measurements": { format!("probability of {class}"): p, "mean attention": attention },
        },
    })
}

/// Logit and probability of a whole row of this patch.
fn parsed<'l>(line: &'l str, patch: &Patch) -> Option<(&'l str, f32)> {
    let cells: Vec<&str> = line.strip_suffix('\n')?.split(',').collect();
    let &[x, y, logit, p, _] = cells.as_slice() else {
        return None;
    };
    let same = x.parse() == Ok(patch.x) && y.parse() == Ok(patch.y);
    let p = if logit.is_empty() {
        0.0
    } else {
        p.parse().ok()?
    };
    same.then_some((logit, p))
}

/// A map and the bytes that it took.
fn read_map(from: &mut impl Read) -> Option<(Map, u64)> {
    let mut four = [0u8; 4];
    let mut side = || -> Option<usize> {
        from.read_exact(&mut four).ok()?;
        usize::try_from(u32::from_le_bytes(four))
            .ok()
            .filter(|s| (1..=65_536).contains(s))
    };
    let (height, width) = (side()?, side()?);
    let mut bytes = vec![0; height * width * 4];
    from.read_exact(&mut bytes).ok()?;
    let (values, _) = bytes.as_chunks::<4>();
    let values = values.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let length = 8 + bytes.len() as u64;
    Some((
        Map {
            height,
            width,
            values,
        },
        length,
    ))
}

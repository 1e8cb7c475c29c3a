//! What is finished of a slide's heatmap: a row of heatmap.csv and a map in `maps.f32` for each patch, both only ever appended
//! to, so that a killed run goes on after the last whole batch.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use miette::IntoDiagnostic;
use spolia_interpret::attention::Map;
use spolia_slide::patches::Patch;

use crate::run_folder::{cell, write_atomic};

/// Columns of heatmap.csv.
const HEADER: &str = "x,y,logit,p,attention\n";

/// What the network says of a patch.
pub(super) struct Found {
    pub logit: f32,
    pub p: f32,
    pub map: Map,
}

/// The rows and maps that are finished.
pub(super) struct Journal {
    rows: BufWriter<File>,
    maps: BufWriter<File>,
    folder: PathBuf,
    /// Patches that could not be read.
    pub failed: usize,
    batch: usize,
}

impl Journal {
    /// Opens what an earlier run with the same `key` left, or begins anew; `batch` patches are finished together.
    pub fn open(out: &Path, key: &str, batch: usize) -> miette::Result<Self> {
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
            batch,
        })
    }

    /// Hands on what is finished, cuts off what a kill left half written, and returns the number of finished patches.
    pub fn replay(
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
            whole / self.batch * self.batch
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
    pub fn push(&mut self, patch: &Patch, found: Option<&Found>) -> miette::Result<()> {
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
    pub fn flush(&mut self) -> miette::Result<()> {
        self.maps.flush().into_diagnostic()?;
        self.rows.flush().into_diagnostic()
    }

    /// Writes patches.geojson, row by row: for QuPath a detection per patch, of the part that no neighbour is nearer to.
    pub fn geojson(
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

//! Reading and writing the patch table as CSV.

use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result};
use crate::region::Region;
use crate::resolve::Problem;
use crate::table::{Patch, PatchTable, Source, Split, known_classes, parse_label};

/// The columns of a written patch table, in order.
pub const COLUMNS: [&str; 10] = [
    "id", "file", "label", "patient", "centre", "slide", "x", "y", "mpp", "split",
];

/// Image endings that are read, in the order in which they are tried for an id without a file.
pub(crate) const IMAGE_ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp"];

impl PatchTable {
    /// Writes the table with the columns [`COLUMNS`]; `file` is relative to the folder of `path`,
    /// `label` the number of the class. The file appears whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written, or a source's folder does not exist any more.
    pub fn write_csv(&self, path: &Path) -> Result<()> {
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let base = absolute(&folder)?;
        let mut known: Option<(PathBuf, PathBuf)> = None; // parents repeat from row to row
        let mut writer = csv::Writer::from_writer(Vec::new());
        let csv_error = |source| Error::Csv {
            path: path.to_path_buf(),
            source,
        };
        writer.write_record(COLUMNS).map_err(csv_error)?;
        for patch in self.patches() {
            let file = patch.source.path();
            let parent = file.parent().unwrap_or(Path::new("")).to_path_buf();
            let parent_absolute = match &known {
                Some((from, to)) if *from == parent => to.clone(),
                _ => {
                    let found = absolute(if parent == Path::new("") {
                        Path::new(".")
                    } else {
                        &parent
                    })?;
                    known = Some((parent, found.clone()));
                    found
                }
            };
            let name = file.file_name().map(PathBuf::from).unwrap_or_default();
            let relative = relative_to(&parent_absolute.join(name), &base);
            let number = |v: Option<i64>| v.map(|v| v.to_string()).unwrap_or_default();
            writer
                .write_record([
                    patch.id.clone(),
                    patch.source.written(&relative),
                    patch.label.map(|l| l.to_string()).unwrap_or_default(),
                    patch.patient.clone().unwrap_or_default(),
                    patch.centre.clone().unwrap_or_default(),
                    patch.slide.clone().unwrap_or_default(),
                    number(patch.x),
                    number(patch.y),
                    patch.mpp.map(|v| v.to_string()).unwrap_or_default(),
                    patch.split.map(|s| s.name().to_owned()).unwrap_or_default(),
                ])
                .map_err(csv_error)?;
        }
        let bytes = writer.into_inner().map_err(|e| Error::Io {
            path: path.to_path_buf(),
            action: "write",
            source: e.into_error(),
        })?;
        write_whole(path, &bytes)
    }

    /// Reads a table of patches: any of [`COLUMNS`] in any order, of which `file` or `id` is needed;
    /// other columns are left alone.
    ///
    /// Rows whose file is missing are left out and reported.
    ///
    /// # Errors
    /// The file is not a table of patches: no `file` or `id` column, a cell that makes no sense, a
    /// label that is no class, an id twice.
    pub fn read_csv(path: &Path, classes: &[String]) -> Result<(PatchTable, Vec<Problem>)> {
        let (patches, problems) = read_rows(path, classes)?;
        Ok((PatchTable::new(patches, classes.to_vec())?, problems))
    }
}

/// Writes beside, then renames, so that a reader never sees half a file.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |action| {
        move |source| Error::Io {
            path: path.to_path_buf(),
            action,
            source,
        }
    };
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::File::create(&beside)
        .and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The part that was written is of no use to anyone; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(fail("write"))
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    fs::canonicalize(folder).map_err(|source| Error::Io {
        path: folder.to_path_buf(),
        action: "find",
        source,
    })
}

/// `path` as seen from the folder `base`, both absolute, with `/` between the parts.
fn relative_to(path: &Path, base: &Path) -> String {
    let path: Vec<Component<'_>> = path.components().collect();
    let base: Vec<Component<'_>> = base.components().collect();
    let shared = path.iter().zip(&base).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), base.len() - shared);
    let down = path[shared..]
        .iter()
        .map(|c| c.as_os_str().to_string_lossy().into_owned());
    up.chain(down).collect::<Vec<_>>().join("/")
}

struct Columns {
    found: Vec<Option<usize>>,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Columns {
        let position = |name: &str| {
            header.iter().position(|h| {
                let h = h.trim().trim_start_matches('\u{feff}');
                h.eq_ignore_ascii_case(name)
                    || (name == "centre" && h.eq_ignore_ascii_case("center"))
            })
        };
        Columns {
            found: COLUMNS.iter().map(|c| position(c)).collect(),
        }
    }

    fn has(&self, name: &str) -> bool {
        COLUMNS
            .iter()
            .position(|c| *c == name)
            .is_some_and(|i| self.found[i].is_some())
    }

    fn cell<'r>(&self, record: &'r csv::StringRecord, name: &str) -> Option<&'r str> {
        let column = COLUMNS.iter().position(|c| *c == name)?;
        let text = record.get(self.found[column]?)?.trim();
        if text.is_empty() { None } else { Some(text) }
    }
}

/// Where columns that a table must have stand in it.
///
/// # Errors
/// [`Error::Column`], naming the first that is missing.
pub(crate) fn places<const N: usize>(
    path: &Path,
    header: &csv::StringRecord,
    wanted: [&'static str; N],
) -> Result<[usize; N]> {
    let mut places = [0; N];
    for (place, wanted) in places.iter_mut().zip(wanted) {
        let found = header.iter().position(|h| h == wanted);
        *place = found.ok_or_else(|| Error::Column {
            path: path.to_path_buf(),
            wanted,
            found: header.iter().collect::<Vec<_>>().join(", "),
        })?;
    }
    Ok(places)
}

/// Why a file is not a table of patches, if it is not.
pub(crate) fn refuse_csv(path: &Path) -> std::result::Result<(), String> {
    if !path.is_file() {
        return Err("not a file".to_owned());
    }
    if !ending(path).eq_ignore_ascii_case("csv") {
        return Err("its name does not end in .csv".to_owned());
    }
    Ok(())
}

pub(crate) fn ending(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("")
}

pub(crate) fn read_rows(path: &Path, classes: &[String]) -> Result<(Vec<Patch>, Vec<Problem>)> {
    let file = fs::File::open(path).map_err(|source| Error::Io {
        path: path.to_path_buf(),
        action: "read",
        source,
    })?;
    let mut reader = csv::Reader::from_reader(std::io::BufReader::new(file));
    let csv_error = |source| Error::Csv {
        path: path.to_path_buf(),
        source,
    };
    let header = reader.headers().map_err(csv_error)?.clone();
    let columns = Columns::of(&header);
    if !columns.has("file") && !columns.has("id") {
        return Err(Error::Column {
            path: path.to_path_buf(),
            wanted: "file",
            found: header.iter().collect::<Vec<_>>().join(", "),
        });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut patches = Vec::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row {
            path,
            line,
            columns: &columns,
            record: &record,
        };
        match row.patch(folder, classes)? {
            Ok(patch) => patches.push(patch),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((patches, problems))
}

struct Row<'a> {
    path: &'a Path,
    line: u64,
    columns: &'a Columns,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.columns.cell(self.record, name).map(str::to_owned)
    }

    fn value<T>(
        &self,
        column: &'static str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.columns.cell(self.record, column) else {
            return Ok(None);
        };
        parse(text).map(Some).ok_or_else(|| Error::Cell {
            path: self.path.to_path_buf(),
            line: self.line,
            column,
            value: text.to_owned(),
            expected,
        })
    }

    fn patch(
        &self,
        folder: &Path,
        classes: &[String],
    ) -> Result<std::result::Result<Patch, Problem>> {
        let written = self.columns.cell(self.record, "file");
        let given = self.text("id");
        let (file, source) = match (written, &given) {
            (Some(written), _) => (written.to_owned(), locate(folder, written)),
            (None, Some(id)) => beside(folder, id),
            (None, None) => {
                return Err(Error::Cell {
                    path: self.path.to_path_buf(),
                    line: self.line,
                    column: "file",
                    value: String::new(),
                    expected: "a file (and the row has no id either)",
                });
            }
        };
        let label = match self.columns.cell(self.record, "label") {
            None => None,
            Some(text) => Some(parse_label(text, classes).ok_or_else(|| Error::Label {
                place: format!("{}, line {} ({file})", self.path.display(), self.line),
                label: text.to_owned(),
                known: known_classes(classes),
            })?),
        };
        let whole = "a whole number of pixels";
        let patch = Patch {
            id: given.unwrap_or_else(|| id_of(&file, &source)),
            label,
            patient: self.text("patient"),
            centre: self.text("centre"),
            slide: self.text("slide"),
            x: self.value("x", whole, whole_number)?,
            y: self.value("y", whole, whole_number)?,
            mpp: self.value("mpp", "a positive number of µm per pixel", |t| {
                t.parse::<f64>().ok().filter(|v| v.is_finite() && *v > 0.0)
            })?,
            split: self.value("split", "train, val or test", Split::parse)?,
            file,
            source,
        };
        if patch.source.path().is_file() {
            return Ok(Ok(patch));
        }
        Ok(Err(Problem {
            item: patch.id,
            what: format!(
                "{}, line {}: file {} does not exist",
                self.path.display(),
                self.line,
                patch.source.path().display()
            ),
            remedy: "correct the `file` column (paths are relative to the CSV) or remove the row"
                .to_owned(),
        }))
    }
}

/// `12`, or `12.0` as tables of floating point columns write it.
fn whole_number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().or_else(|| {
        let value = text.parse::<f64>().ok()?;
        #[allow(clippy::cast_possible_truncation)] // checked: whole and far below 2^53
        (value.fract() == 0.0 && value.abs() < 9e15).then_some(value as i64)
    })
}

fn locate(folder: &Path, written: &str) -> Source {
    let plain = folder.join(written);
    if !plain.is_file() {
        if let Some((file, region)) = written.rsplit_once("::")
            && let Some(region) = Region::parse(region)
        {
            let file = folder.join(file);
            return Source::Region { file, region };
        }
        let mut parts = written.rsplitn(3, "::");
        if let (Some(index), Some(dataset), Some(file)) = (parts.next(), parts.next(), parts.next())
            && let Ok(index) = index.parse::<u64>()
        {
            return Source::Hdf5 {
                file: folder.join(file),
                dataset: dataset.to_owned(),
                index,
            };
        }
    }
    Source::File(plain)
}

fn beside(folder: &Path, id: &str) -> (String, Source) {
    let names =
        std::iter::once(id.to_owned()).chain(IMAGE_ENDINGS.iter().map(|e| format!("{id}.{e}")));
    for name in names {
        let path = folder.join(&name);
        if path.is_file() {
            return (name, Source::File(path));
        }
    }
    let name = format!("{id}.{}", IMAGE_ENDINGS[0]);
    let path = folder.join(&name);
    (name, Source::File(path))
}

/// The id of a patch to which none is given: its path without ending.
pub(crate) fn id_of(file: &str, source: &Source) -> String {
    match source {
        Source::File(_) => {
            let parts = without_ending(file).split(['/', '\\']);
            let below = parts.filter(|p| !matches!(*p, "" | "." | "..") && !p.ends_with(':'));
            below.collect::<Vec<_>>().join("/")
        }
        Source::Region { file, region } => format!(
            "{}_x{}_y{}",
            file.file_stem().unwrap_or_default().to_string_lossy(),
            region.x,
            region.y
        ),
        Source::Hdf5 { dataset, index, .. } => hdf5_id(dataset, *index),
    }
}

pub(crate) fn hdf5_id(dataset: &str, index: u64) -> String {
    format!(
        "{}/{index:06}",
        dataset.strip_suffix("/patches").unwrap_or(dataset)
    )
}

pub(crate) fn without_ending(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    match name.rfind('.') {
        Some(dot) if dot > 0 => &file[..file.len() - (name.len() - dot)],
        _ => file,
    }
}

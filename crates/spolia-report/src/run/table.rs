//! A CSV table whose errors name the file, the line and the column.

use std::path::{Path, PathBuf};

use crate::Error;

/// A table read whole: its header and its rows.
pub(crate) struct Table {
    path: PathBuf,
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    /// Reads a table; `None` where the file does not exist (the step was left out).
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be read, [`Error::Line`] when a line is not CSV,
    /// is not UTF-8 or has another number of cells than the header.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, Error> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(Error::Read {
                    path: path.to_path_buf(),
                    source,
                });
            }
        };
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let header = reader.headers().map_err(|e| broken(path, &e))?.clone();
        let rows = reader
            .records()
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| broken(path, &e))?;
        Ok(Some(Self {
            path: path.to_path_buf(),
            header,
            rows,
        }))
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(str::trim)
    }

    /// The rows, in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { table: self, cells })
    }
}

/// What `read` makes of each row of a table; empty where the table is not there.
///
/// # Errors
/// As [`Table::open`], and those of `read`.
pub(super) fn read<T>(
    path: &Path,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    match Table::open(path)? {
        Some(table) => table.rows().map(|row| read(&row)).collect(),
        None => Ok(Vec::new()),
    }
}

/// Turns what the CSV reader said into our words.
fn broken(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("{len} cells, but the header has {expected_len} columns"),
        csv::ErrorKind::Utf8 { .. } => "the text is not UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Error::Line {
        path: path.to_path_buf(),
        line,
        reason,
    }
}

/// One row of a [`Table`].
pub(crate) struct Row<'a> {
    table: &'a Table,
    cells: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// The text of a cell.
    ///
    /// # Errors
    /// [`Error::NoColumn`].
    pub(crate) fn text(&self, column: &str) -> Result<&'a str, Error> {
        let index = self.table.header.iter().position(|name| name == column);
        index
            .and_then(|i| self.cells.get(i))
            .map(str::trim)
            .ok_or_else(|| Error::NoColumn {
                path: self.table.path.clone(),
                column: column.to_owned(),
                header: self.table.header.iter().collect::<Vec<_>>().join(","),
            })
    }

    /// The text of a cell; `None` where it is empty.
    ///
    /// # Errors
    /// [`Error::NoColumn`].
    pub(crate) fn known(&self, column: &str) -> Result<Option<String>, Error> {
        Ok(Some(self.text(column)?)
            .filter(|text| !text.is_empty())
            .map(str::to_owned))
    }

    /// A whole number, 0 or more.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn whole(&self, column: &str) -> Result<usize, Error> {
        let text = self.text(column)?;
        text.parse()
            .map_err(|_| self.wrong(column, text, "a whole number"))
    }

    /// A whole number; `None` where the cell is empty.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn known_whole(&self, column: &str) -> Result<Option<usize>, Error> {
        match self.text(column)? {
            "" => Ok(None),
            _ => self.whole(column).map(Some),
        }
    }

    /// A number; `None` where the cell is empty or not a number (`NaN`).
    /// Infinite values are kept: a ROC curve's first threshold is one.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn known_number(&self, column: &str) -> Result<Option<f64>, Error> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(value) => Ok(Some(value).filter(|v| !v.is_nan())),
            Err(_) => Err(self.wrong(column, text, "a number")),
        }
    }

    /// A finite number; `None` where the cell is empty, not a number or infinite.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn known_finite(&self, column: &str) -> Result<Option<f64>, Error> {
        Ok(self.known_number(column)?.filter(|v| v.is_finite()))
    }

    /// A finite number; `None` where the cell is empty, not finite, or the column is absent.
    ///
    /// # Errors
    /// [`Error::Cell`].
    pub(crate) fn optional_number(&self, column: &str) -> Result<Option<f64>, Error> {
        if !self.table.columns().any(|name| name == column) {
            return Ok(None);
        }
        self.known_finite(column)
    }

    /// A text; `None` where the cell is empty or the column is absent.
    pub(crate) fn optional_text(&self, column: &str) -> Option<String> {
        self.known(column).ok().flatten()
    }

    /// A finite number.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn number(&self, column: &str) -> Result<f64, Error> {
        let text = self.text(column)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(self.wrong(column, text, "a finite number")),
        }
    }

    /// `0`/`1` or `false`/`true`.
    ///
    /// # Errors
    /// [`Error::NoColumn`], [`Error::Cell`].
    pub(crate) fn flag(&self, column: &str) -> Result<bool, Error> {
        match self.text(column)? {
            "0" | "false" => Ok(false),
            "1" | "true" => Ok(true),
            other => Err(self.wrong(column, other, "0 or 1")),
        }
    }

    fn wrong(&self, column: &str, value: &str, wanted: &'static str) -> Error {
        Error::Cell {
            path: self.table.path.clone(),
            line: self.cells.position().map_or(0, csv::Position::line),
            column: column.to_owned(),
            value: value.to_owned(),
            wanted,
        }
    }
}

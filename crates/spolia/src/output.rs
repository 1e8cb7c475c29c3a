//! Tables on standard output: aligned on a terminal, CSV in a pipe, JSON where asked.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use miette::IntoDiagnostic;
use serde_json::Value;

use crate::context::Wrong;

/// A table: cells are texts, numbers or null (unknown).
#[derive(Debug, Clone, Default)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Table {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells missing at its end are unknown.
    pub fn push(&mut self, mut row: Vec<Value>) {
        row.resize(self.header.len(), Value::Null);
        self.rows.push(row);
    }

    /// Adds a row by the names of its columns; the others are unknown.
    pub fn push_named(&mut self, cells: &[(&str, Value)]) {
        let value = |column: &String| cells.iter().find(|(name, _)| name == column);
        let row = self.header.iter().map(|column| match value(column) {
            Some((_, value)) => value.clone(),
            None => Value::Null,
        });
        let row = row.collect();
        self.rows.push(row);
    }

    /// Prints the table in the form that fits standard output, or as a JSON list of objects.
    ///
    /// # Errors
    /// Standard output cannot be written; a reader that has seen enough is no error.
    pub fn print(&self, json: bool) -> miette::Result<()> {
        let text = match (json, io::stdout().is_terminal()) {
            (true, _) => self.json(),
            (false, true) => self.aligned(),
            (false, false) => self.csv(),
        };
        print(&text)
    }

    /// The table as CSV.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Neither a vector nor rows as long as the header can fail.
        let _ = writer.write_record(&self.header);
        for row in &self.rows {
            let _ = writer.write_record(row.iter().map(cell));
        }
        String::from_utf8_lossy(&writer.into_inner().unwrap_or_default()).into_owned()
    }

    fn json(&self) -> String {
        let object = |row: &Vec<Value>| -> Value {
            self.header
                .iter()
                .cloned()
                .zip(row.iter().cloned())
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let list: Value = self.rows.iter().map(object).collect();
        format!("{list:#}\n")
    }

    /// The table as aligned columns, numbers to the right.
    fn aligned(&self) -> String {
        let shown: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        let width = |column: usize| {
            let cells = shown.iter().map(|row| row[column].chars().count());
            cells
                .chain([self.header[column].chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let right = |column: usize| {
            let mut known = self
                .rows
                .iter()
                .map(|row| &row[column])
                .filter(|v| !v.is_null())
                .peekable();
            known.peek().is_some() && known.all(Value::is_number)
        };
        let right: Vec<bool> = (0..self.header.len()).map(right).collect();
        let mut text = String::new();
        for row in std::iter::once(&self.header).chain(&shown) {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                match right[column] {
                    true => line.push_str(&format!("{cell:>width$}  ")),
                    false => line.push_str(&format!("{cell:<width$}  ")),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Prints text; a reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.into_diagnostic(),
    }
}

/// Makes sure, before any work, that a file can be written at this path.
///
/// # Errors
/// Names the path and what to do.
pub fn prepare_file(path: &Path) -> miette::Result<()> {
    if path.is_dir() {
        let what = format!("{} is a folder; give --out a file", path.display());
        return Err(Wrong::usage(what));
    }
    match path.parent() {
        Some(folder) if folder != Path::new("") => prepare_folder(folder),
        _ => Ok(()),
    }
}

/// Makes sure, before any work, that a folder exists.
///
/// # Errors
/// Names the folder and what to do.
pub fn prepare_folder(folder: &Path) -> miette::Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| {
        miette::miette!(
            help = "choose a folder that you may write, with --out",
            "cannot write the folder {}: {error}",
            folder.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["id", "n"]);
        table.push(vec!["a,b".into(), 3.into()]);
        table.push(vec!["c".into()]);
        table
    }

    #[test]
    fn a_table_reads_as_csv_json_and_columns() {
        assert_eq!(table().csv(), "id,n\n\"a,b\",3\nc,\n");
        assert_eq!(table().aligned(), "id   n\na,b  3\nc\n");
        let json: Value = serde_json::from_str(&table().json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!([{"id": "a,b", "n": 3}, {"id": "c", "n": null}])
        );
    }
}

//! What can go wrong with a set of patches, in words a user can act on.

use std::path::PathBuf;

use crate::leak::Leak;

/// An error of this crate.
///
/// Every message names the file or patch, says what is wrong with it and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A path does not exist.
    #[error("{}: no such file or folder; check the path", .path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The operating system refused to read or write a file.
    #[error("{}: cannot {action}: {source}; check permissions and free space", .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, such as `read` or `write`.
        action: &'static str,
        /// The system's own error.
        source: std::io::Error,
    },
    /// A slide cannot be read where a patch lies.
    #[error("{source}")]
    Slide {
        /// The slide.
        path: PathBuf,
        /// What is wrong, naming the file and what to do.
        source: Box<spolia_slide::Error>,
    },
    /// A CSV file is not well formed.
    #[error("{}: not a readable CSV table: {source}; every row needs as many cells as the header", .path.display())]
    Csv {
        /// The table.
        path: PathBuf,
        /// The parser's own error, with the line.
        source: csv::Error,
    },
    /// A CSV file lacks a column that it needs.
    #[error("{}: no column `{wanted}` (it has: {found}); add it to the header line", .path.display())]
    Column {
        /// The table.
        path: PathBuf,
        /// The column wanted.
        wanted: &'static str,
        /// The columns there are.
        found: String,
    },
    /// A cell holds something that its column cannot mean.
    #[error("{}, line {line}: `{value}` in column `{column}` is not {expected}; correct or empty the cell", .path.display())]
    Cell {
        /// The table.
        path: PathBuf,
        /// Line of the file, the header being line 1.
        line: u64,
        /// Column name.
        column: &'static str,
        /// What the cell holds.
        value: String,
        /// What it may hold.
        expected: &'static str,
    },
    /// A label is none of the known classes.
    #[error(
        "{place}: label `{label}` is not a class; known classes: {known}. Correct the label, or name the classes (`classes`)"
    )]
    Label {
        /// The file and row (or folder) where the label stands.
        place: String,
        /// The label.
        label: String,
        /// The known classes with their numbers.
        known: String,
    },
    /// The list of classes is empty, holds a name twice or is longer than a label can count.
    #[error("classes [{classes}]: {what}; name each class once")]
    Classes {
        /// The classes given.
        classes: String,
        /// What is wrong with them.
        what: &'static str,
    },
    /// Two patches bear one id.
    #[error("patch id `{id}` is borne by both {first} and {second}; give each row its own `id`")]
    DuplicateId {
        /// The id.
        id: String,
        /// File of the first patch.
        first: String,
        /// File of the second patch.
        second: String,
    },
    /// A patch id cannot be used to name results.
    #[error("patch id `{id}` ({file}) {what}; ids name result files, so give another `id`")]
    Id {
        /// The id.
        id: String,
        /// File of the patch.
        file: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A value of a patch is out of its range.
    #[error("patch `{id}`: {column} = {value} is not {expected}")]
    Value {
        /// The patch.
        id: String,
        /// Name of the column.
        column: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A source was understood but holds no patch.
    #[error("{}: no patches in it ({what}); PNG, JPEG, TIFF and BMP images are read", .path.display())]
    Empty {
        /// The source.
        path: PathBuf,
        /// Where patches were sought.
        what: String,
    },
    /// No reader understands a source.
    #[error("{}: not a source of patches that is known:\n{refusals}", .path.display())]
    NoFormat {
        /// The source.
        path: PathBuf,
        /// One line for each format, with its reason to refuse.
        refusals: String,
    },
    /// An image cannot be decoded.
    #[error("{}: {what}; {remedy}", .path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// An HDF5 file or dataset cannot be read.
    #[error("{}{}: {what}; {remedy}", .path.display(), inside(.dataset))]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// The dataset or group inside it, empty for the file itself.
        dataset: String,
        /// What is wrong with it.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A fraction of a split is not a number from 0 to below 1, or they leave nothing to train on.
    #[error("split: validation {val} and test {test} must each be at least 0 and together below 1")]
    Fractions {
        /// Validation share.
        val: f64,
        /// Test share.
        test: f64,
    },
    /// A centre cannot be held out for the test.
    #[error("hold out centre {centre}: {what}")]
    HeldOut {
        /// The centre.
        centre: String,
        /// What is in the way, and what to do.
        what: String,
    },
    /// There are fewer groups than splits to fill.
    #[error(
        "split by {unit}: {groups} {unit}(s) cannot fill {wanted} splits; ask for fewer splits, more data, or split by a smaller unit"
    )]
    TooFewGroups {
        /// What was kept together.
        unit: &'static str,
        /// How many groups there are.
        groups: usize,
        /// How many splits were wanted.
        wanted: usize,
    },
    /// Content hashes do not belong to the table they are used with.
    #[error(
        "{hashes} content hashes for {patches} patches; hash the table that is being looked at"
    )]
    Hashes {
        /// Number of hashes given.
        hashes: usize,
        /// Number of patches in the table.
        patches: usize,
    },
    /// Training, validation and test share patients, slides or images.
    #[error("{}", leak_words(.leaks))]
    Leak {
        /// Everything that is shared.
        leaks: Vec<Leak>,
    },
}

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

fn inside(dataset: &str) -> String {
    if dataset.is_empty() {
        String::new()
    } else {
        format!(", {dataset}")
    }
}

fn leak_words(leaks: &[Leak]) -> String {
    const SHOWN: usize = 3;
    let mut words = format!("{} leak(s) between splits: ", leaks.len());
    let named: Vec<String> = leaks.iter().take(SHOWN).map(Leak::to_string).collect();
    words.push_str(&named.join("; "));
    if leaks.len() > SHOWN {
        words.push_str(&format!("; and {} more", leaks.len() - SHOWN));
    }
    words.push_str(". Split again by patient (`dataset split --by patient`), or write allow_leaks = true if this is meant");
    words
}

//! What is wrong with a study file, and on which line.

use std::ops::Range;
use std::path::PathBuf;

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

/// Why a study file cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum StudyError {
    /// The file cannot be read.
    #[error("cannot read the study {}: {source}", file.display())]
    #[diagnostic(help("`spolia study template > study.toml` writes one to start from"))]
    Read {
        /// The study file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Something in the file is wrong; every fault is listed.
    #[error("{file} has {}", count(faults.len()))]
    Faults {
        /// The study file.
        file: String,
        /// All faults, in the order of the file.
        #[related]
        faults: Vec<Fault>,
    },
}

fn count(faults: usize) -> String {
    match faults {
        1 => "one fault".to_string(),
        n => format!("{n} faults"),
    }
}

/// One fault of a study file.
#[derive(Debug, Error, Diagnostic)]
#[error("{file}, line {line}: {what}")]
pub struct Fault {
    /// The study file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    #[help]
    pub remedy: Option<String>,
    /// The whole text.
    #[source_code]
    pub text: NamedSource<String>,
    /// Where in the text.
    #[label("here")]
    pub span: SourceSpan,
}

impl Fault {
    /// A fault at bytes `span` of `text`.
    pub fn new(
        file: &str,
        text: &str,
        span: Range<usize>,
        what: impl Into<String>,
        remedy: Option<String>,
    ) -> Self {
        let start = span.start.min(text.len());
        let line = 1 + text.as_bytes()[..start]
            .iter()
            .filter(|&&b| b == b'\n')
            .count();
        Fault {
            file: file.to_string(),
            line,
            what: what.into(),
            remedy,
            text: NamedSource::new(file, text.to_string()).with_language("TOML"),
            span: (start, span.end.saturating_sub(start)).into(),
        }
    }
}

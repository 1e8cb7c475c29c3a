//! What makes a statistic impossible to compute.

/// Data for which a statistic is not defined; the message names the row or column (from 0).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A buffer does not fit the shape stated for it.
    #[error("a matrix of {rows} x {cols} needs {expected} values, but {got} were given")]
    Shape {
        /// Rows stated.
        rows: usize,
        /// Columns stated.
        cols: usize,
        /// Values needed.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// Two inputs that go row by row have different lengths.
    #[error("{what} has {got} rows, but {expected} are expected: one per observation")]
    Rows {
        /// The input.
        what: &'static str,
        /// Rows of the other input.
        expected: usize,
        /// Rows of this one.
        got: usize,
    },
    /// A value is NaN or infinite.
    #[error(
        "{what} has the value {value} at row {row}, column {column}; leave the row out or mend it"
    )]
    NotFinite {
        /// The input.
        what: &'static str,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// There is too little data.
    #[error("{what}: at least {needed} are needed, but there are {got}")]
    TooFew {
        /// What there is too little of.
        what: &'static str,
        /// Least number.
        needed: usize,
        /// Number given.
        got: usize,
    },
    /// R² is not defined for a target without variance.
    #[error("target column {column} has the same value in every row; nothing can explain it")]
    ConstantTarget {
        /// Column, from 0.
        column: usize,
    },
    /// There are fewer groups than folds.
    #[error(
        "{groups} group(s) cannot be spread over {folds} folds without sharing one; \
         use at most {groups} folds or more patients"
    )]
    TooFewGroups {
        /// Different groups.
        groups: usize,
        /// Folds asked for.
        folds: usize,
    },
    /// A statistic of two classes needs both.
    #[error("all {n} observations are of one class ({positives} positive); both are needed")]
    OneClass {
        /// Observations.
        n: usize,
        /// Positive ones.
        positives: usize,
    },
    /// A probability is below 0 or above 1.
    #[error("row {row} has the probability {value}, which is not between 0 and 1")]
    Probability {
        /// Row, from 0.
        row: usize,
        /// The value.
        value: f64,
    },
    /// An eigenvalue decomposition did not converge.
    #[error("the eigenvalue decomposition of a {size} x {size} matrix did not converge")]
    NoConvergence {
        /// Rows of the matrix.
        size: usize,
    },
    /// Two inputs that go column by column have different widths.
    #[error("{what} has {got} columns, but {expected} are expected: one per feature of the fit")]
    Columns {
        /// The input.
        what: &'static str,
        /// Columns expected.
        expected: usize,
        /// Columns of this one.
        got: usize,
    },
    /// An option lies outside what it may be.
    #[error("{what} is {value}; give {allowed}")]
    Setting {
        /// The option.
        what: &'static str,
        /// The value given.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// Values that a statistic needs to differ are all alike.
    #[error("{what} are all the same; {needed}")]
    Constant {
        /// The values.
        what: &'static str,
        /// What is not defined without variance.
        needed: &'static str,
    },
    /// An iteration ended before its tolerance was reached.
    #[error("{what} did not reach its tolerance; standardise the features or penalise more")]
    NotReached {
        /// The iteration.
        what: &'static str,
    },
    /// Class labels are not 0, 1, ..., or are all the same.
    #[error(
        "the labels name {present} class(es) out of 0 to {classes}, the last not included; \
         give every class a number from 0 on, and at least two classes"
    )]
    Classes {
        /// Different labels.
        present: usize,
        /// Largest label plus 1.
        classes: usize,
    },
}

//! What can be wrong with a written objective.

/// Why an objective could not be read.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Something else stands where a number, a term or a sign was expected.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What may stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A name that is not among the known ones.
    #[error("no {kind} `{name}`, did you mean `{nearest}`? There are {known}")]
    Unknown {
        /// Term, layer or vector.
        kind: &'static str,
        /// As written.
        name: String,
        /// The known name that is most alike.
        nearest: String,
        /// All known names, separated by commas.
        known: String,
    },
    /// A vector is named and there is none.
    #[error("no vector `{name}`: no vectors were given")]
    NoVectors {
        /// As written.
        name: String,
    },
    /// Another number of arguments.
    #[error("{usage} takes {takes}, got {got}")]
    Arguments {
        /// How the term is written.
        usage: &'static str,
        /// How many arguments it takes, in words.
        takes: &'static str,
        /// How many were written.
        got: usize,
    },
    /// An argument outside of what there is.
    #[error("{what} is {value}; {allowed}")]
    Range {
        /// Which.
        what: &'static str,
        /// As written.
        value: String,
        /// What it may be.
        allowed: String,
    },
    /// Two terms multiplied, or a division by a term.
    #[error("terms can be multiplied and divided by numbers only")]
    Product,
    /// Parentheses or signs inside of each other.
    #[error("more than {deepest} parentheses and signs inside of each other")]
    Nested {
        /// How many there may be.
        deepest: usize,
    },
    /// A division by zero, or a number that overflows.
    #[error("the weight is not a finite number")]
    NotFinite,
    /// A sum of numbers.
    #[error("names no term; write `channel(LAYER, 0)`, for example")]
    NoTerm,
}

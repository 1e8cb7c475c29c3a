//! Annotations that are not what they should be: what is mended, and what is left out.

use super::shape::ring_area;
use super::{Annotation, Annotations, Shape};

/// What is wrong with an annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// A ring of GeoJSON does not end where it begins: it was closed.
    Unclosed,
    /// A ring of fewer than three points: it covers nothing.
    TooFewPoints,
    /// A ring crosses itself: it is filled by the nonzero winding rule.
    SelfCrossing,
    /// It lies outside of the slide, wholly or in part: it belongs to another slide, or its
    /// coordinates are not pixels of level 0.
    Outside,
    /// It is a line, which covers nothing: it was left out.
    Line,
}

/// A problem and the annotation that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Number of the annotation in the file.
    pub number: usize,
    /// Its name.
    pub annotation: String,
    /// What is wrong.
    pub kind: ProblemKind,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            number,
            annotation,
            kind,
        } = self;
        let what = match kind {
            ProblemKind::Unclosed => "a ring does not end where it begins; it was closed",
            ProblemKind::TooFewPoints => "a ring has fewer than three points and covers nothing",
            ProblemKind::SelfCrossing => {
                "a ring crosses itself; every part that it winds around counts"
            }
            ProblemKind::Outside => {
                "it reaches out of the slide; check that it is this slide's and in level-0 pixels"
            }
            ProblemKind::Line => "a line covers nothing; it was left out",
        };
        write!(f, "annotation {number} `{annotation}`: {what}")
    }
}

impl Annotations {
    /// Everything that is wrong with the annotations, what was mended while reading first.
    /// `dimensions` are the slide's width and height.
    #[must_use]
    pub fn problems(&self, dimensions: Option<(u64, u64)>) -> Vec<Problem> {
        let mut problems = self.mended.clone();
        for (number, annotation) in self.annotations.iter().enumerate() {
            let kinds = [
                few(annotation).then_some(ProblemKind::TooFewPoints),
                crossing(annotation).then_some(ProblemKind::SelfCrossing),
                dimensions
                    .is_some_and(|size| outside(annotation, size))
                    .then_some(ProblemKind::Outside),
            ];
            problems.extend(kinds.into_iter().flatten().map(|kind| Problem {
                number,
                annotation: annotation.name.clone(),
                kind,
            }));
        }
        problems
    }
}

fn rings(annotation: &Annotation) -> impl Iterator<Item = &Vec<[f64; 2]>> {
    annotation
        .polygons
        .iter()
        .flat_map(|p| std::iter::once(&p.outer).chain(&p.holes))
}

fn few(annotation: &Annotation) -> bool {
    rings(annotation).any(|ring| ring.len() < 3)
}

/// Where a ring crosses itself, some part of it is wound around twice, or backwards: the shoelace
/// formula then gives another area than filling does.
fn crossing(annotation: &Annotation) -> bool {
    rings(annotation).filter(|ring| ring.len() > 3).any(|ring| {
        let filled = Shape::of(&[super::Polygon {
            outer: ring.clone(),
            holes: Vec::new(),
        }])
        .area();
        (filled - ring_area(ring)).abs() > 1e-6 * filled.max(1.0)
    })
}

fn outside(annotation: &Annotation, (width, height): (u64, u64)) -> bool {
    // drawing tools let a border point lie a pixel outside
    let (right, bottom) = (width as f64 + 1.0, height as f64 + 1.0);
    rings(annotation)
        .flatten()
        .chain(&annotation.points)
        .any(|&[x, y]| x < -1.0 || y < -1.0 || x > right || y > bottom)
}

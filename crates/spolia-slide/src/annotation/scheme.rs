//! Which groups are tumour, and which are cut out of it.

use super::{Annotations, Shape};

/// Names of groups (without regard to case), painted one after the other: first what is tumour,
/// then what is not, over it.
///
/// The defaults are those of Camelyon16 (`_0`, `_1`, `Tumor`; holes `_2`, `Exclusion`) and
/// Camelyon17 (`metastases`, then `normal`), and QuPath's `Tumor` and `Ignore*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Groups of tumour.
    pub tumor: Vec<String>,
    /// Groups cut out of it.
    pub holes: Vec<String>,
}

impl Default for Scheme {
    fn default() -> Self {
        let own = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            tumor: own(&["metastases", "tumor", "tumour", "_0", "_1"]),
            holes: own(&["normal", "_2", "exclusion", "ignore*"]),
        }
    }
}

impl Annotations {
    /// The area of tumour by a scheme.
    #[must_use]
    pub fn tumor(&self, scheme: &Scheme) -> Shape {
        let tumor = self.covered(&scheme.tumor);
        let holes = self.covered(&scheme.holes);
        tumor.without(&holes)
    }

    /// The area that annotations of some groups (or of groups that are part of them) cover
    /// together.
    #[must_use]
    pub fn covered(&self, groups: &[String]) -> Shape {
        let chosen = self.annotations.iter().filter(|annotation| {
            annotation
                .group
                .as_deref()
                .is_some_and(|group| self.is_in(group, groups))
        });
        // a hole is one of its own annotation: another annotation may cover it
        let whole: Vec<Shape> = chosen.map(|annotation| annotation.shape()).collect();
        Shape::union(&whole)
    }

    /// Names of groups that a scheme says nothing of, each once: a misspelt group is otherwise
    /// taken for normal tissue.
    #[must_use]
    pub fn unknown_groups(&self, scheme: &Scheme) -> Vec<&str> {
        let mut unknown: Vec<&str> = Vec::new();
        for group in self.annotations.iter().filter_map(|a| a.group.as_deref()) {
            let known = self.is_in(group, &scheme.tumor) || self.is_in(group, &scheme.holes);
            if !known && !unknown.contains(&group) {
                unknown.push(group);
            }
        }
        unknown
    }

    /// Whether a group, or one that it is part of, is among `names`.
    fn is_in(&self, group: &str, names: &[String]) -> bool {
        let named = |group: &str| {
            // QuPath derives classes: `Tumor: Positive` is a `Tumor`
            let base = group.split(':').next().unwrap_or_default().trim();
            names
                .iter()
                .any(|n| n.eq_ignore_ascii_case(group) || n.eq_ignore_ascii_case(base))
        };
        let mut at = Some(group);
        // groups that are part of each other would go on for ever
        for _ in 0..=self.groups.len() {
            let Some(group) = at else { return false };
            if named(group) {
                return true;
            }
            at = self
                .groups
                .iter()
                .find(|g| g.name == group)
                .and_then(|g| g.parent.as_deref());
        }
        false
    }
}

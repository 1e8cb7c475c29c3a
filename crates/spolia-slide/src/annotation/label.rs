//! The label of a patch by the area of tumour in it.

use super::Shape;

/// Label of a patch: 0 or 1 in tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Without tumour.
    Normal,
    /// With tumour.
    Tumor,
}

impl Label {
    /// The class's name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Tumor => "tumor",
        }
    }
}

/// How a patch gets its label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LabelRule {
    /// Tumour where it covers at least `tumor` of the patch's area, normal where at most `normal`;
    /// what lies between has no label.
    Share {
        /// At least this share, above 0.
        tumor: f64,
        /// At most this share, below `tumor`.
        normal: f64,
    },
    /// Tumour where the patch's centre lies in it.
    Centre,
    /// Tumour where any of it lies in the central square of `side` pixels of the patch (32 in
    /// PatchCamelyon).
    Central {
        /// Side in pixels of the patch.
        side: u32,
    },
}

impl Default for LabelRule {
    /// The overlap of the paper's sampling: 0.6 of the area; a normal patch has none.
    fn default() -> Self {
        Self::Share {
            tumor: 0.6,
            normal: 0.0,
        }
    }
}

impl LabelRule {
    /// The label of a patch and the share of it that is tumour: `x`, `y` and `span` (its side) in
    /// pixels of level 0, `size` its side in its own pixels.
    #[must_use]
    pub fn label(
        self,
        tumor: &Shape,
        x: f64,
        y: f64,
        span: f64,
        size: u32,
    ) -> (Option<Label>, f64) {
        let share = tumor.share(x, y, span, span);
        let either = |is: bool| Some(if is { Label::Tumor } else { Label::Normal });
        let label = match self {
            Self::Share { tumor, .. } if share >= tumor => Some(Label::Tumor),
            Self::Share { normal, .. } if share <= normal => Some(Label::Normal),
            Self::Share { .. } => None,
            Self::Centre => either(tumor.contains(x + span / 2.0, y + span / 2.0)),
            Self::Central { side } => {
                let inner = span * f64::from(side) / f64::from(size.max(1));
                let offset = (span - inner) / 2.0;
                either(tumor.share(x + offset, y + offset, inner, inner) > 0.0)
            }
        };
        (label, share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_that_straddles_the_border() {
        let tumor = Shape::rectangle(100.0, 0.0, 1_000.0, 1_000.0);
        let at = |rule: LabelRule, x: f64| rule.label(&tumor, x, 0.0, 100.0, 100).0;
        let share = LabelRule::default();
        assert_eq!(at(share, 0.0), Some(Label::Normal));
        assert_eq!(at(share, 50.0), None);
        assert_eq!(at(share, 61.0), Some(Label::Tumor));
        assert_eq!(at(LabelRule::Centre, 49.0), Some(Label::Normal));
        assert_eq!(at(LabelRule::Centre, 51.0), Some(Label::Tumor));
        // the central 32 of 100 px begin at 34 and end at 66
        let central = LabelRule::Central { side: 32 };
        assert_eq!(at(central, 34.0), Some(Label::Normal));
        assert_eq!(at(central, 35.0), Some(Label::Tumor));
    }
}

//! Which pixel belongs to which nucleus.

use crate::Error;

/// An instance mask: one label per pixel, row-major; 0 is background, every other number one nucleus.
///
/// Labels need not be consecutive. Pixels of one label are one nucleus, wherever they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceMask {
    width: usize,
    height: usize,
    labels: Vec<u32>,
}

impl InstanceMask {
    /// Wraps `width * height` labels, row by row.
    ///
    /// # Errors
    /// [`Error::Empty`] for a side of zero, [`Error::InstanceMaskSize`] for another number of labels.
    pub fn new(labels: Vec<u32>, width: usize, height: usize) -> Result<Self, Error> {
        let expected = width
            .checked_mul(height)
            .filter(|&pixels| pixels > 0)
            .ok_or(Error::Empty { width, height })?;
        if labels.len() != expected {
            return Err(Error::InstanceMaskSize {
                width,
                height,
                expected,
                got: labels.len(),
            });
        }
        Ok(Self {
            width,
            height,
            labels,
        })
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The labels, row by row.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The labels that occur, ascending, without the background.
    #[must_use]
    pub fn nuclei(&self) -> Vec<u32> {
        let mut labels: Vec<u32> = self
            .labels
            .chunk_by(|a, b| a == b)
            .filter_map(|run| run.first().copied().filter(|&label| label != 0))
            .collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Every pixel's place in [`InstanceMask::nuclei`], and that list.
    pub(super) fn indices(&self) -> (Vec<Option<usize>>, Vec<u32>) {
        let nuclei = self.nuclei();
        let mut indices = Vec::with_capacity(self.labels.len());
        for run in self.labels.chunk_by(|a, b| a == b) {
            let index = run
                .first()
                .and_then(|label| nuclei.binary_search(label).ok());
            indices.extend(run.iter().map(|_| index));
        }
        (indices, nuclei)
    }
}

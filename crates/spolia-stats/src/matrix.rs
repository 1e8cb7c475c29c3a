//! A plain matrix: rows are observations, columns are features or targets.

use crate::Error;

/// Row-major `rows x cols` matrix of `f64`.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// Wraps row-major values.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are not `rows * cols` values.
    pub fn new(rows: usize, cols: usize, data: Vec<f64>) -> Result<Self, Error> {
        let expected = rows.saturating_mul(cols);
        if data.len() != expected {
            return Err(Error::Shape {
                rows,
                cols,
                expected,
                got: data.len(),
            });
        }
        Ok(Self { rows, cols, data })
    }

    /// Converts row-major `f32` values, such as activations.
    ///
    /// # Errors
    /// [`Error::Shape`] if there are not `rows * cols` values.
    pub fn from_f32(rows: usize, cols: usize, data: &[f32]) -> Result<Self, Error> {
        Self::new(rows, cols, data.iter().map(|&x| f64::from(x)).collect())
    }

    /// Puts columns of equal length side by side.
    ///
    /// # Errors
    /// [`Error::Rows`] if a column has another length than the first.
    pub fn from_columns<C: AsRef<[f64]>>(columns: &[C]) -> Result<Self, Error> {
        let rows = columns.first().map_or(0, |column| column.as_ref().len());
        if let Some(other) = columns.iter().find(|c| c.as_ref().len() != rows) {
            return Err(Error::Rows {
                what: "a column",
                expected: rows,
                got: other.as_ref().len(),
            });
        }
        let data = (0..rows)
            .flat_map(|i| columns.iter().map(move |column| column.as_ref()[i]))
            .collect();
        Self::new(rows, columns.len(), data)
    }

    /// Number of observations.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features or targets.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All values, row by row.
    #[must_use]
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// Row `i`, empty beyond the last.
    #[must_use]
    pub fn row(&self, i: usize) -> &[f64] {
        self.data
            .get(i * self.cols..(i + 1) * self.cols)
            .unwrap_or(&[])
    }

    /// Column `j`, copied.
    #[must_use]
    pub fn column(&self, j: usize) -> Vec<f64> {
        self.data
            .iter()
            .skip(j)
            .step_by(self.cols.max(1))
            .copied()
            .collect()
    }

    /// The rows of the given numbers in their order; numbers beyond the last row are left out.
    #[must_use]
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let kept: Vec<usize> = rows.iter().copied().filter(|&i| i < self.rows).collect();
        let data = kept.iter().flat_map(|&i| self.row(i)).copied().collect();
        Self {
            rows: kept.len(),
            cols: self.cols,
            data,
        }
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.data[i * self.cols + j]
    }

    /// Fails on the first NaN or infinity.
    pub(crate) fn check_finite(&self, what: &'static str) -> Result<(), Error> {
        match self.data.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(k) => Err(Error::NotFinite {
                what,
                row: k / self.cols,
                column: k % self.cols,
                value: self.data[k],
            }),
        }
    }
}

/// Features and targets of a regression: same rows, all finite, no constant target.
pub(crate) fn check_regression(x: &Matrix, y: &Matrix) -> Result<(), Error> {
    if y.rows() != x.rows() {
        return Err(Error::Rows {
            what: "the targets y",
            expected: x.rows(),
            got: y.rows(),
        });
    }
    for (what, got, needed) in [
        ("observations", x.rows(), 3),
        ("features", x.cols(), 1),
        ("targets", y.cols(), 1),
    ] {
        if got < needed {
            return Err(Error::TooFew { what, needed, got });
        }
    }
    x.check_finite("the features x")?;
    y.check_finite("the targets y")?;
    for j in 0..y.cols() {
        if (1..y.rows()).all(|i| y.at(i, j) == y.at(0, j)) {
            return Err(Error::ConstantTarget { column: j });
        }
    }
    Ok(())
}

/// One group per observation.
pub(crate) fn check_groups(n: usize, groups: &[usize]) -> Result<(), Error> {
    if groups.len() == n {
        Ok(())
    } else {
        Err(Error::Rows {
            what: "the groups",
            expected: n,
            got: groups.len(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns() {
        let m = Matrix::new(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        assert_eq!(m.row(1), [4.0, 5.0, 6.0]);
        assert_eq!(m.column(1), [2.0, 5.0]);
        assert_eq!(m.select_rows(&[1, 0, 1]).column(0), [4.0, 1.0, 4.0]);
        assert_eq!(
            Matrix::from_columns(&[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]),
            Ok(m)
        );
        assert!(Matrix::new(2, 2, vec![0.0; 3]).is_err());
    }

    #[test]
    fn a_nan_is_located() {
        let m = Matrix::new(2, 2, vec![0.0, 1.0, f64::NAN, 2.0]).unwrap();
        let message = m.check_finite("the features x").unwrap_err().to_string();
        assert!(message.contains("row 1, column 0"), "{message}");
    }
}

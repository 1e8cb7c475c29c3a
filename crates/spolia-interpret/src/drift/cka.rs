//! Centred kernel alignment (Kornblith et al. 2019, *Similarity of Neural Network Representations Revisited*).

use faer::Mat;
use spolia_stats::Matrix;

use super::{Error, check};

/// What makes two images alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kernel {
    /// The inner product of their features.
    Linear,
    /// exp(-d² / (2 s²)), d the distance of their features and s the median distance times `scale`.
    Gaussian {
        /// Of the median distance; Kornblith et al. take 0.2 to 0.8 and more.
        scale: f64,
    },
}

/// Alignment of two layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cka {
    /// HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)), with the biased estimator: between 0 and 1, and near 1 for anything where
    /// channels outnumber images.
    pub biased: f64,
    /// The same of the unbiased HSIC of Song et al. (2012, eq. 5), whose expectation is 0 for unrelated answers; may lie
    /// below 0.
    pub debiased: f64,
}

/// CKA of the features of the same images in two networks, images x channels each.
///
/// # Errors
/// [`Error::Images`], [`Error::TooFew`], [`Error::NotFinite`], [`Error::Still`].
pub fn cka(x: &Matrix, y: &Matrix, kernel: Kernel) -> Result<Cka, Error> {
    let (k, l) = kernels(x, y, kernel)?;
    let all: Vec<usize> = (0..x.rows()).collect();
    of_rows(&k, &l, &all)
}

/// [`cka`] with a 95 % interval of the debiased one over `groups` (patients): estimate ± Student's quantile times the
/// standard error of the jackknife that leaves out one group at a time.
///
/// # Errors
/// As [`cka`]; [`Error::Statistics`] for fewer than two groups.
pub fn cka_jackknife(
    x: &Matrix,
    y: &Matrix,
    kernel: Kernel,
    groups: &[usize],
) -> Result<(Cka, [f64; 2]), Error> {
    let (k, l) = kernels(x, y, kernel)?;
    let all: Vec<usize> = (0..x.rows()).collect();
    let found = of_rows(&k, &l, &all)?;
    let interval = spolia_stats::group_jackknife(found.debiased, groups, 0.95, |rows| {
        of_rows(&k, &l, rows).ok().map(|cka| cka.debiased)
    })?;
    Ok((found, interval))
}

fn kernels(x: &Matrix, y: &Matrix, kernel: Kernel) -> Result<(Mat<f64>, Mat<f64>), Error> {
    check(x, y)?;
    let of = |m: &Matrix, which| {
        let z = super::centre(m);
        // Rounding leaves something of a constant.
        let largest = m.data().iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        if z.norm_max() <= 1e-12 * largest {
            return Err(Error::Still { which });
        }
        Ok(gram(&z, kernel))
    };
    Ok((of(x, "first")?, of(y, "second")?))
}

/// The kernel of centred features.
fn gram(z: &Mat<f64>, kernel: Kernel) -> Mat<f64> {
    let products = z * z.transpose();
    let Kernel::Gaussian { scale } = kernel else {
        return products;
    };
    let n = products.nrows();
    let squared = |i: usize, j: usize| {
        (products[(i, i)] + products[(j, j)] - 2.0 * products[(i, j)]).max(0.0)
    };
    let mut distances: Vec<f64> = (0..n)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| squared(i, j))
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    let middle = distances.len() / 2;
    let median = if distances.len() % 2 == 1 {
        distances[middle]
    } else {
        (distances[middle - 1] + distances[middle]) / 2.0
    };
    let width = 2.0 * scale * scale * median;
    Mat::from_fn(n, n, |i, j| {
        if width > 0.0 {
            (-squared(i, j) / width).exp()
        } else {
            f64::from(u8::from(i == j))
        }
    })
}

/// Alignment over some of the images.
fn of_rows(k: &Mat<f64>, l: &Mat<f64>, rows: &[usize]) -> Result<Cka, Error> {
    if rows.len() < 4 {
        return Err(Error::TooFew { images: rows.len() });
    }
    let (k, l) = (Sums::new(k, rows), Sums::new(l, rows));
    let ratio = |of: fn(&Sums, &Sums) -> f64| of(&k, &l) / (of(&k, &k) * of(&l, &l)).sqrt();
    Ok(Cka {
        biased: ratio(Sums::biased),
        debiased: ratio(Sums::unbiased),
    })
}

/// A kernel matrix of some images, with the sums of its rows.
struct Sums {
    values: Mat<f64>,
    rows: Vec<f64>,
    /// Sums without the diagonal.
    off_rows: Vec<f64>,
}

impl Sums {
    fn new(kernel: &Mat<f64>, rows: &[usize]) -> Self {
        let values = Mat::from_fn(rows.len(), rows.len(), |i, j| kernel[(rows[i], rows[j])]);
        let sums: Vec<f64> = (0..rows.len())
            .map(|i| values.col(i).iter().sum())
            .collect();
        let off_rows = sums.iter().enumerate().map(|(i, s)| s - values[(i, i)]);
        Self {
            off_rows: off_rows.collect(),
            rows: sums,
            values,
        }
    }

    fn products(&self, other: &Self) -> (f64, f64) {
        let n = self.rows.len();
        let all: f64 = (0..n)
            .map(|j| {
                let columns = self.values.col(j).iter().zip(other.values.col(j).iter());
                columns.map(|(a, b)| a * b).sum::<f64>()
            })
            .sum();
        let diagonal: f64 = (0..n)
            .map(|i| self.values[(i, i)] * other.values[(i, i)])
            .sum();
        (all, all - diagonal)
    }

    /// (n - 1)² times the biased HSIC (Gretton et al. 2005): tr(K H L H).
    fn biased(&self, other: &Self) -> f64 {
        let n = self.rows.len() as f64;
        let (all, _) = self.products(other);
        let rows: f64 = self.rows.iter().zip(&other.rows).map(|(a, b)| a * b).sum();
        let totals = self.rows.iter().sum::<f64>() * other.rows.iter().sum::<f64>();
        all - 2.0 / n * rows + totals / (n * n)
    }

    /// n (n - 3) times the unbiased HSIC (Song et al. 2012, eq. 5).
    fn unbiased(&self, other: &Self) -> f64 {
        let n = self.rows.len() as f64;
        let (_, off) = self.products(other);
        let pairs = self.off_rows.iter().zip(&other.off_rows);
        let rows: f64 = pairs.map(|(a, b)| a * b).sum();
        let totals = self.off_rows.iter().sum::<f64>() * other.off_rows.iter().sum::<f64>();
        off - 2.0 / (n - 2.0) * rows + totals / ((n - 1.0) * (n - 2.0))
    }
}

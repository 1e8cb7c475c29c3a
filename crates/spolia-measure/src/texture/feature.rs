//! The features of a matrix.
//!
//! `p(i, j)` is the probability of the pair of levels (i, j), `px` and `py` its sums over j and i,
//! `p(|i - j|)` and `p(i + j)` the probabilities of a difference and a sum of levels. Equation
//! numbers f1 to f14 are those of the appendix of Haralick, Shanmugam and Dinstein (1973).

use std::fmt;

use super::workspace::Matrix;
use super::{Convention, maximal};

macro_rules! features {
    ($($variant:ident, $name:literal, $description:literal;)+) => {
        /// A feature of a co-occurrence matrix. Where the libraries differ, the [`Convention`]
        /// decides.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Feature {
            $(#[doc = $description] $variant,)+
        }

        impl Feature {
            /// All features.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in the names of measures (`haralick_<name>`).
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

features! {
    Asm, "asm", "f1, angular second moment: sum of p(i, j)², 0 to 1.";
    Contrast, "contrast", "f2, contrast: sum of p(i, j) (i - j)².";
    Correlation, "correlation", "f3, correlation of i and j, -1 to 1; 1 where either has no variance.";
    Variance, "variance", "f4, sum of squares: the variance of i.";
    Idm, "idm", "f5, inverse difference moment: sum of p(i, j) / (1 + (i - j)²), 0 to 1.";
    SumAverage, "sum_average", "f6, mean of i + j.";
    SumVariance, "sum_variance", "f7, variance of i + j (about its mean: the paper's f8 there is a misprint).";
    SumEntropy, "sum_entropy", "f8, entropy of p(i + j).";
    Entropy, "entropy", "f9, entropy of p(i, j).";
    DifferenceVariance, "difference_variance", "f10, variance of |i - j| (by mahotas: of the probabilities p(|i - j|)).";
    DifferenceEntropy, "difference_entropy", "f11, entropy of p(|i - j|).";
    Imc1, "imc1", "f12, information measure of correlation 1: (HXY - HXY1) / max(HX, HY), -1 to 0; 0 for a single level.";
    Imc2, "imc2", "f13, information measure of correlation 2: sqrt(1 - exp(-2 (HXY2 - HXY))), 0 to 1.";
    Mcc, "mcc", "f14, maximal correlation coefficient: square root of the second largest eigenvalue of Q(i, j) = sum over k of p(i, k) p(j, k) / (px(i) py(k)), 0 to 1.";
    Autocorrelation, "autocorrelation", "sum of p(i, j) i j.";
    ClusterProminence, "cluster_prominence", "fourth central moment of i + j.";
    ClusterShade, "cluster_shade", "third central moment of i + j.";
    ClusterTendency, "cluster_tendency", "second central moment of i + j, equal to the sum variance.";
    Dissimilarity, "dissimilarity", "sum of p(i, j) |i - j|.";
    Energy, "energy", "square root of the angular second moment (by pyradiomics: without the root).";
    Homogeneity, "homogeneity", "scikit-image's name for the inverse difference moment.";
    InverseDifference, "inverse_difference", "sum of p(i, j) / (1 + |i - j|).";
    InverseDifferenceNormalized, "inverse_difference_normalized", "sum of p(i, j) / (1 + |i - j| / n), n the number of levels.";
    IdmNormalized, "idm_normalized", "sum of p(i, j) / (1 + (i - j)² / n²), n the number of levels.";
    InverseVariance, "inverse_variance", "sum of p(i, j) / (i - j)² where i and j differ.";
    MaximumProbability, "maximum_probability", "largest p(i, j).";
    Mean, "mean", "mean of i.";
    StandardDeviation, "standard_deviation", "standard deviation of i.";
}

impl Feature {
    /// The paper's 14 in its order, the maximal correlation coefficient last.
    pub const HARALICK: &[Self] = &[
        Self::Asm,
        Self::Contrast,
        Self::Correlation,
        Self::Variance,
        Self::Idm,
        Self::SumAverage,
        Self::SumVariance,
        Self::SumEntropy,
        Self::Entropy,
        Self::DifferenceVariance,
        Self::DifferenceEntropy,
        Self::Imc1,
        Self::Imc2,
        Self::Mcc,
    ];

    pub(crate) fn of(self, matrix: &Matrix<'_>) -> f64 {
        let sums = matrix.sums;
        let convention = matrix.convention;
        let total = sums.total as f64;
        let levels = matrix.number as f64;
        let first = matrix.first as f64;
        match self {
            Self::Asm => asm(matrix),
            Self::Energy if convention == Convention::Pyradiomics => asm(matrix),
            Self::Energy => asm(matrix).sqrt(),
            Self::Contrast => contrast_sum(matrix) as f64 / total,
            Self::Dissimilarity => moment(&sums.differences, 1) as f64 / total,
            Self::Correlation => correlation(matrix),
            Self::Mean => first + moment(&sums.rows, 1) as f64 / total,
            Self::Variance => variance(&sums.rows, sums.total),
            Self::StandardDeviation => variance(&sums.rows, sums.total).sqrt(),
            Self::SumAverage => 2.0 * first + moment(&sums.sums, 1) as f64 / total,
            Self::SumVariance | Self::ClusterTendency => variance(&sums.sums, sums.total),
            Self::ClusterShade => central_moment(&sums.sums, sums.total, 3),
            Self::ClusterProminence => central_moment(&sums.sums, sums.total, 4),
            Self::Autocorrelation => autocorrelation(matrix),
            Self::Idm | Self::Homogeneity => by_difference(matrix, |d| 1.0 / (1.0 + d * d)),
            Self::InverseDifference => by_difference(matrix, |d| 1.0 / (1.0 + d)),
            Self::InverseDifferenceNormalized => {
                by_difference(matrix, |d| 1.0 / (1.0 + d / levels))
            }
            Self::IdmNormalized => {
                by_difference(matrix, |d| 1.0 / (1.0 + d * d / (levels * levels)))
            }
            Self::InverseVariance => {
                by_difference(matrix, |d| if d > 0.0 { 1.0 / (d * d) } else { 0.0 })
            }
            Self::MaximumProbability => sums.largest as f64 / total,
            Self::Entropy => convention.entropy(sums.joint_entropy),
            Self::SumEntropy => convention.entropy(sums.sum_entropy),
            Self::DifferenceEntropy => convention.entropy(sums.difference_entropy),
            Self::DifferenceVariance if convention == Convention::Mahotas => {
                variance_of_probabilities(&sums.differences, sums.total, matrix.number)
            }
            Self::DifferenceVariance => variance(&sums.differences, sums.total),
            Self::Imc1 => information_1(matrix),
            Self::Imc2 => information_2(matrix),
            Self::Mcc if convention == Convention::Mahotas => maximal::of_rows(matrix),
            Self::Mcc => maximal::coefficient(matrix),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

fn asm(matrix: &Matrix<'_>) -> f64 {
    let total = matrix.sums.total as f64;
    matrix.sums.squares as f64 / (total * total)
}

/// Sum of `counts[k] k^power`, exact: counts sum to less than 2^33 and k is below 512.
fn moment(counts: &[u64], power: u32) -> u128 {
    let each = counts.iter().enumerate();
    each.map(|(k, &count)| count * (k as u64).pow(power))
        .map(u128::from)
        .sum()
}

fn contrast_sum(matrix: &Matrix<'_>) -> u128 {
    moment(&matrix.sums.differences, 2)
}

/// `total²` times the variance of k.
fn scaled_variance(counts: &[u64], total: u64) -> u128 {
    let first = moment(counts, 1);
    u128::from(total) * moment(counts, 2) - first * first
}

fn variance(counts: &[u64], total: u64) -> f64 {
    let total_f = total as f64;
    scaled_variance(counts, total) as f64 / (total_f * total_f)
}

/// Mean of (k - mean)^power.
fn central_moment(counts: &[u64], total: u64, power: i32) -> f64 {
    let total = total as f64;
    let mean = moment(counts, 1) as f64 / total;
    let each = counts.iter().enumerate();
    each.map(|(k, &count)| count as f64 * (k as f64 - mean).powi(power))
        .sum::<f64>()
        / total
}

/// Sum of p(|i - j|) f(|i - j|).
fn by_difference(matrix: &Matrix<'_>, f: impl Fn(f64) -> f64) -> f64 {
    let each = matrix.sums.differences.iter().enumerate();
    each.map(|(d, &count)| count as f64 * f(d as f64))
        .sum::<f64>()
        / matrix.sums.total as f64
}

/// Sum of count(i, j) i j, levels counted from the table's first: i j = ((i + j)² - (i - j)²) / 4.
fn products(matrix: &Matrix<'_>) -> u128 {
    (moment(&matrix.sums.sums, 2) - contrast_sum(matrix)) / 4
}

fn autocorrelation(matrix: &Matrix<'_>) -> f64 {
    let (sums, first) = (matrix.sums, matrix.first as u128);
    let shifted = products(matrix)
        + first * (moment(&sums.rows, 1) + moment(&sums.columns, 1))
        + first * first * u128::from(sums.total);
    shifted as f64 / sums.total as f64
}

fn correlation(matrix: &Matrix<'_>) -> f64 {
    let sums = matrix.sums;
    let variance_i = scaled_variance(&sums.rows, sums.total);
    let variance_j = scaled_variance(&sums.columns, sums.total);
    if variance_i == 0 || variance_j == 0 {
        return 1.0;
    }
    // Below 2^33 * 2^33 * 2^16: no overflow.
    let covariance = i128::from(sums.total) * products(matrix) as i128
        - moment(&sums.rows, 1) as i128 * moment(&sums.columns, 1) as i128;
    covariance as f64 / ((variance_i as f64).sqrt() * (variance_j as f64).sqrt())
}

/// Variance of the probabilities themselves over all levels, those that do not occur included.
fn variance_of_probabilities(counts: &[u64], total: u64, levels: usize) -> f64 {
    let mean = 1.0 / levels as f64;
    let each = counts.iter().map(|&count| count as f64 / total as f64);
    let sum: f64 = each.map(|p| (p - mean) * (p - mean)).sum();
    let absent = levels.saturating_sub(counts.len()) as f64;
    (sum + absent * mean * mean) / levels as f64
}

/// HXY1 is -sum p(i, j) log(px(i) py(j)) and equals HX + HY, as does HXY2.
fn information_1(matrix: &Matrix<'_>) -> f64 {
    let sums = matrix.sums;
    let largest = sums.row_entropy.max(sums.column_entropy);
    if largest == 0.0 {
        return 0.0;
    }
    (sums.joint_entropy - (sums.row_entropy + sums.column_entropy)) / largest
}

fn information_2(matrix: &Matrix<'_>) -> f64 {
    let sums = matrix.sums;
    let mut information = sums.row_entropy + sums.column_entropy - sums.joint_entropy;
    if matrix.convention == Convention::Pyradiomics {
        // It adds 2^-52 inside its logarithms. The root magnifies that where i and j are nearly
        // independent: to first order each filled cell loses 2^-52 nats.
        let occurring = |counts: &[u64]| counts.iter().filter(|&&count| count > 0).count() as f64;
        let independent = occurring(&sums.rows) * occurring(&sums.columns);
        information -= f64::EPSILON * (independent - sums.filled as f64);
    }
    let information = matrix.convention.entropy(information.max(0.0));
    (1.0 - (-2.0 * information).exp()).max(0.0).sqrt()
}

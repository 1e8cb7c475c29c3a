//! Literals from scikit-learn, scipy and statsmodels: tests/reference/stats_models.py.

mod reference;
mod samples;

use reference as python;
use samples::{regression, uniform};
use spolia_stats::{
    Estimator, LineFit, Linear, delong, delong_variance, fit, holm, kolmogorov_uniform, lasso,
    line, logistic, pca, pls, spearman, t_test, welch_test,
};

fn close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    let size = expected.iter().fold(0.0_f64, |most, e| most.max(e.abs()));
    for (k, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= tolerance * size,
            "value {k}: got {got}, expected {expected}"
        );
    }
}

fn parameters(fit: &Linear) -> Vec<f64> {
    let mut all = vec![fit.intercept];
    all.extend(&fit.coefficients);
    all
}

#[test]
fn linear_models() {
    for (n, p, pls1, pls3, lasso_fit, ols) in [
        (
            40,
            6,
            &python::PLS1_TALL[..],
            &python::PLS3_TALL[..],
            &python::LASSO_TALL[..],
            &python::OLS_TALL[..],
        ),
        (
            15,
            25,
            &python::PLS1_WIDE[..],
            &python::PLS3_WIDE[..],
            &python::LASSO_WIDE[..],
            &python::OLS_WIDE[..],
        ),
    ] {
        let (x, y) = regression(n, p);
        for (k, expected) in [(1, pls1), (3, pls3)] {
            let fit = &pls(&x, &y, k).unwrap()[0];
            let mut got = parameters(fit);
            // scikit-learn's intercept is the prediction at the features' means.
            let means: Vec<f64> = (0..p).map(|j| spolia_stats::mean(&x.column(j))).collect();
            got[0] = fit.predict(&means);
            close(&got, expected, 1e-9);
        }
        close(
            &parameters(&lasso(&x, &y, 0.02).unwrap()[0]),
            lasso_fit,
            1e-6,
        );
        let groups: Vec<usize> = (0..n).collect();
        let least = &fit(&x, &y, &groups, Estimator::Ols, 3, 0).unwrap()[0];
        close(&parameters(least), ols, 1e-9);
    }
}

#[test]
fn principal_components() {
    for (n, p, expected, axes) in [
        (40, 6, &python::PCA_TALL[..], &python::PCA_AXES_TALL[..]),
        (15, 25, &python::PCA_WIDE[..], &python::PCA_AXES_WIDE[..]),
    ] {
        let fit = pca(&regression(n, p).0, 3).unwrap();
        close(&[fit.variances, fit.shares].concat(), expected, 1e-9);
        close(fit.components.data(), axes, 1e-9);
    }
}

#[test]
fn logistic_regression() {
    let cases: [(usize, usize, usize, f64, &[f64]); 8] = [
        (40, 6, 2, 0.5, &python::LOGISTIC2_1_TALL),
        (40, 6, 3, 0.5, &python::LOGISTIC3_1_TALL),
        (40, 6, 2, 20.0, &python::LOGISTIC2_40_TALL),
        (40, 6, 3, 20.0, &python::LOGISTIC3_40_TALL),
        (15, 25, 2, 0.5, &python::LOGISTIC2_1_WIDE),
        (15, 25, 3, 0.5, &python::LOGISTIC3_1_WIDE),
        (15, 25, 2, 20.0, &python::LOGISTIC2_40_WIDE),
        (15, 25, 3, 20.0, &python::LOGISTIC3_40_WIDE),
    ];
    for (n, p, classes, c, expected) in cases {
        let (x, y) = regression(n, p);
        let y = y.column(0);
        let low = y.iter().copied().fold(f64::INFINITY, f64::min);
        let high = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let labels: Vec<usize> = y
            .iter()
            .map(|y| (((y - low) / (high - low) * classes as f64) as usize).min(classes - 1))
            .collect();
        let fit = logistic(&x, &labels, c, false).unwrap();
        let got = [&fit.intercepts[..], fit.coefficients.data()].concat();
        close(&got, expected, 1e-6);
        let p = fit.probabilities(x.row(0));
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.len() == classes);
    }
}

#[test]
fn comparisons() {
    let labels: Vec<bool> = uniform(3, 60).into_iter().map(|u| u < 0.4).collect();
    let score = |seed: u32, noise: f64| -> Vec<f64> {
        uniform(seed, 60)
            .into_iter()
            .zip(&labels)
            .map(|(u, &l)| {
                let score = noise * u + (1.0 - noise) * f64::from(u8::from(l));
                (score * 100.0).round_ties_even() / 100.0
            })
            .collect()
    };
    let (a, b) = (score(4, 0.7), score(5, 0.8));
    let got = delong(&a, &b, &labels).unwrap();
    let got_values = [
        got.auc[0],
        got.auc[1],
        got.variance[0],
        got.variance[1],
        got.covariance,
        got.z,
        got.p_value,
    ];
    for (got, expected) in got_values.into_iter().zip(python::DELONG) {
        assert!((got - expected).abs() < 1e-9 * expected.abs());
    }
    assert_eq!(
        delong_variance(&a, &labels).unwrap(),
        (got.auc[0], got.variance[0])
    );
    assert_eq!(delong(&a, &a, &labels).unwrap().p_value, 1.0);
    close(&[spearman(&a, &b).unwrap()], &python::SPEARMAN, 1e-9);
    let sen = line(&a, &b, LineFit::TheilSen).unwrap();
    let ols = line(&a, &b, LineFit::LeastSquares).unwrap();
    let lines = [sen.slope, sen.intercept, ols.slope, ols.intercept];
    close(&lines, &python::LINES, 1e-12);

    let mut one = Vec::new();
    for n in [3, 8, 60] {
        let test = t_test(&a[..n], 0.5).unwrap();
        one.extend([test.statistic, test.p_value]);
    }
    let shifted: Vec<f64> = a[..20].iter().map(|a| a + 3.0).collect();
    let mut two = Vec::new();
    for (first, second) in [
        (&a[..3], &b[..50]),
        (&a[..30], &b[..12]),
        (&a[..], &b[..]),
        (&a[..], &shifted[..]),
    ] {
        let test = welch_test(first, second).unwrap();
        two.extend([test.statistic, test.p_value]);
    }
    for (got, expected) in one
        .iter()
        .zip(&python::T_ONE)
        .chain(two.iter().zip(&python::T_TWO))
    {
        assert!(
            (got - expected).abs() < 1e-9 * expected.abs(),
            "{got} {expected}"
        );
    }
    let p_values: Vec<f64> = uniform(5, 12).into_iter().map(|u| u.powi(3)).collect();
    close(&holm(&p_values).unwrap(), &python::HOLM, 1e-12);
}

#[test]
fn kolmogorov() {
    for (n, power, expected) in [
        (5, 1.0, python::KS_5_10),
        (5, 1.3, python::KS_5_13),
        (60, 1.0, python::KS_60_10),
        (60, 1.3, python::KS_60_13),
        (400, 1.0, python::KS_400_10),
        (400, 1.3, python::KS_400_13),
    ] {
        let values: Vec<f64> = uniform(6, n).into_iter().map(|u| u.powf(power)).collect();
        let test = kolmogorov_uniform(&values).unwrap();
        assert!((test.statistic - expected[0]).abs() < 1e-12);
        // scipy approximates from 141 values on.
        let tolerance = if n > 140 { 1e-6 } else { 1e-10 };
        assert!(
            (test.p_value - expected[1]).abs() < tolerance,
            "{n}: {test:?}"
        );
    }
}

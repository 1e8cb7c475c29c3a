//! Literals from statsmodels, scikit-learn and numpy: tests/reference/stats.py at the repository root.

mod samples;

use samples::{regression, uniform};
use spolia_stats::{
    auc, benjamini_hochberg, brier, calibration_error, log_loss, ols, quantile, reliability, ridge,
    roc_curve,
};

#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const OLS_TALL: [f64; 9] = [8.930652040726781e-01, 8.736225139040741e-01, 4.604477751153655e-01, 2.145622054916097e+00, 5.947183323470440e-02, 1.797280236227179e-01, -1.184168457387546e+00, -4.452584582408821e-01, 2.660536038131575e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const RIDGE_TALL: [f64; 8] = [4.000000000000000e-01, 4.754182719004605e-01, 2.113418917777063e+00, 5.898874587287602e-02, 1.648916689107736e-01, -1.158424727888623e+00, -4.328041952504970e-01, 2.455458203360651e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const RIDGE_WIDE: [f64; 27] = [3.231652035047823e+00, 1.895752971678322e-03, 1.120935681174906e+00, -1.781410071033415e-01, 7.722234026986786e-02, -1.649532824415650e-01, 3.524017028693258e-01, -1.989170635711704e-01, -5.423605405719255e-01, 3.067002496052330e-01, 2.431991130193404e-02, 1.890913137786811e-01, -2.919933779350733e-02, -1.989742999540273e-01, 3.527034922988774e-01, 4.210266295876813e-01, 1.829098484972279e-01, -2.943940519463755e-01, 1.240530896936949e-01, 8.895936786725159e-02, -3.897877320160020e-01, -3.580211544454183e-01, 4.189579361838280e-01, 4.843529214673224e-01, 1.910424024770832e-01, 1.035269453969827e-01, 1.311644710642727e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const AUC: [f64; 1] = [9.618666666666666e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const ROC: [f64; 4] = [7.800000000000000e+01, 2.450400000000000e+01, 5.854666666666667e+01, 3.437000000000000e+01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const BRIER_LOG_LOSS: [f64; 2] = [1.153460000000000e-01, 3.893412775797324e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const CALIBRATION_ERROR: [f64; 1] = [1.572000000000000e-01];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const Q_VALUES: [f64; 12] = [2.872443738205848e-02, 4.708331996952468e-01, 2.872443738205848e-02, 6.563255641870063e-01, 4.708331996952468e-01, 8.022311671162176e-02, 1.862776439778915e-01, 2.872443738205848e-02, 1.625167861165006e-03, 6.563255641870063e-01, 1.674798203724164e-03, 1.688874083218438e-02];
#[rustfmt::skip]
#[allow(clippy::excessive_precision)]
const QUANTILES: [f64; 3] = [9.878580281510949e-02, 3.764584162738174e-01, 9.541333213448525e-01];

fn close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (k, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
            "value {k}: got {got}, expected {expected}"
        );
    }
}

#[test]
fn least_squares() {
    let (x, y) = regression(40, 6);
    let fit = &ols(&x, &y).unwrap()[0];
    let mut got = vec![fit.r2, fit.r2_adjusted.unwrap(), fit.intercept];
    got.extend(&fit.coefficients);
    close(&got, &OLS_TALL);
}

#[test]
fn ridge_with_generalised_cross_validation() {
    for (n, p, expected) in [(40, 6, &RIDGE_TALL[..]), (15, 25, &RIDGE_WIDE[..])] {
        let (x, y) = regression(n, p);
        let fit = &ridge(&x, &y).unwrap()[0];
        let mut got = vec![fit.penalty, fit.intercept];
        got.extend(&fit.coefficients);
        close(&got, expected);
    }
}

fn predictions() -> (Vec<f64>, Vec<bool>) {
    let labels: Vec<bool> = uniform(3, 200).into_iter().map(|u| u < 0.4).collect();
    let scores = uniform(4, 200)
        .into_iter()
        .zip(&labels)
        .map(|(u, &label)| {
            let score: f64 = 0.5 * u + 0.35 * f64::from(u8::from(label)) + 0.05;
            (score.clamp(0.0, 1.0) * 100.0).round_ties_even() / 100.0
        })
        .collect();
    (scores, labels)
}

#[test]
fn roc() {
    let (scores, labels) = predictions();
    close(&[auc(&scores, &labels).unwrap()], &AUC);
    let points = roc_curve(&scores, &labels).unwrap();
    let got = [
        points.len() as f64,
        points.iter().map(|p| p.fpr).sum(),
        points.iter().map(|p| p.tpr).sum(),
        points[1..].iter().map(|p| p.threshold).sum(),
    ];
    close(&got, &ROC);
}

#[test]
fn calibration() {
    let (scores, labels) = predictions();
    let got = [
        brier(&scores, &labels).unwrap(),
        log_loss(&scores, &labels).unwrap(),
    ];
    close(&got, &BRIER_LOG_LOSS);
    let bins = reliability(&scores, &labels, 10).unwrap();
    close(&[calibration_error(&bins)], &CALIBRATION_ERROR);
}

#[test]
fn q_values_and_quantiles() {
    let p_values: Vec<f64> = uniform(5, 12).into_iter().map(|u| u.powi(3)).collect();
    close(&benjamini_hochberg(&p_values).unwrap(), &Q_VALUES);
    let values = uniform(6, 37);
    let got = [0.025, 0.3, 0.975].map(|q| quantile(&values, q).unwrap());
    close(&got, &QUANTILES);
}

# Reference values of the models and comparisons of spolia-stats. Python 3.11, numpy 2.4.6,
# scipy 1.17.1, scikit-learn 1.9.1, statsmodels 0.15.0.
# python stats_models.py > crates/spolia-stats/tests/reference/mod.rs at the repository root.
import numpy as np
from scipy import stats
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from statsmodels.stats.multitest import multipletests

from stats import uniform


def show(name, values):
    values = np.atleast_1d(np.asarray(values, float)).ravel()
    body = ", ".join(f"{v:.13e}" for v in values)
    print(f"pub const {name}: [f64; {len(values)}] = [{body}];")


def delong(a, b, y):
    """Variances and covariance of two AUCs by the definition: all pairs (DeLong et al. 1988)."""
    m, n = y.sum(), (~y).sum()
    v10, v01, areas = [], [], []
    for s in (a, b):
        wins = (s[y][:, None] > s[~y][None]) + 0.5 * (s[y][:, None] == s[~y][None])
        areas.append(wins.mean())
        v10.append(wins.mean(1))
        v01.append(wins.mean(0))
    cov = np.cov(v10) / m + np.cov(v01) / n
    z = (areas[0] - areas[1]) / np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    return [*areas, cov[0, 0], cov[1, 1], cov[0, 1], z, 2 * stats.norm.sf(abs(z))]


if __name__ == "__main__":
    print("//! Printed by tests/reference/stats_models.py at the repository root.")
    print("#![allow(missing_docs, clippy::excessive_precision)]")
    print("#![cfg_attr(rustfmt, rustfmt::skip)]\n")
    for name, n, p in [("TALL", 40, 6), ("WIDE", 15, 25)]:
        x = uniform(1, n * p).reshape(n, p)
        y = 2 * x[:, 0] - x[:, 3] + uniform(2, n)
        for k in (1, 3):
            fit = PLSRegression(k).fit(x, y)
            show(f"PLS{k}_{name}", [fit.intercept_[0], *fit.coef_[0]])
        fit = Lasso(0.02, tol=1e-13, max_iter=1000000).fit(x, y)
        show(f"LASSO_{name}", [fit.intercept_, *fit.coef_])
        z = (x - x.mean(0)) / x.std(0)
        fit = LinearRegression(tol=1e-15).fit(z, y)
        b = fit.coef_ / x.std(0)
        show(f"OLS_{name}", [fit.intercept_ - b @ x.mean(0), *b])
        fit = PCA(3, svd_solver="full").fit(x)
        show(f"PCA_{name}", [*fit.explained_variance_, *fit.explained_variance_ratio_])
        show(f"PCA_AXES_{name}", fit.components_)
        for c in (0.5, 20.0):
            for classes in (2, 3):
                labels = np.minimum((y - y.min()) / np.ptp(y) * classes, classes - 1).astype(int)
                fit = LogisticRegression(C=c, tol=1e-12, max_iter=100000, solver="newton-cg")
                fit.fit(x, labels)
                show(f"LOGISTIC{classes}_{int(2 * c)}_{name}", [*fit.intercept_, *fit.coef_.ravel()])

    labels = uniform(3, 60) < 0.4
    a = np.round(0.7 * uniform(4, 60) + 0.3 * labels, 2)
    b = np.round(0.8 * uniform(5, 60) + 0.2 * labels, 2)
    show("DELONG", delong(a, b, labels))
    show("SPEARMAN", stats.spearmanr(a, b).statistic)
    sen = stats.theilslopes(b, a)
    ols = stats.linregress(a, b)
    show("LINES", [sen.slope, sen.intercept, ols.slope, ols.intercept])
    for n in (5, 60, 400):
        for power in (1.0, 1.3):
            test = stats.kstest(uniform(6, n) ** power, "uniform")
            show(f"KS_{n}_{int(10 * power)}", [test.statistic, test.pvalue])
    one = [stats.ttest_1samp(a[:n], 0.5) for n in (3, 8, 60)]
    show("T_ONE", [[t.statistic, t.pvalue] for t in one])
    two = [stats.ttest_ind(a[:n], b[:k], equal_var=False) for n, k in ((3, 50), (30, 12), (60, 60))]
    two.append(stats.ttest_ind(a, a[:20] + 3, equal_var=False))
    show("T_TWO", [[t.statistic, t.pvalue] for t in two])
    show("HOLM", multipletests(uniform(5, 12) ** 3, method="holm")[1])

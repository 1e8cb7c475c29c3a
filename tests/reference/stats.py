# Reference values of spolia-stats. Python 3.11, numpy 2.4.6, scikit-learn 1.9.1, statsmodels 0.15.0.
# python stats.py prints the constants of crates/spolia-stats/tests/python.rs.
import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import Ridge
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score, roc_curve
from statsmodels.stats.multitest import multipletests


def uniform(seed, count):
    """x = 1664525 x + 1013904223 mod 2^32, over 2^32."""
    x, out = seed, []
    for _ in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(x / 2**32)
    return np.array(out)


def show(name, values):
    values = np.atleast_1d(np.asarray(values, float))
    body = ", ".join(f"{v:.15e}" for v in values)
    print(f"const {name}: [f64; {len(values)}] = [{body}];")


def gcv(x, y):
    """Penalty of least generalised cross-validation, by the definition: one hat matrix each."""
    n = len(y)
    z = (x - x.mean(0)) / x.std(0)
    best = (np.inf, None)
    for step in range(31):
        alpha = n * 10 ** (step / 3 - 6)
        if x.shape[1] <= n:
            inner = z @ np.linalg.solve(z.T @ z + alpha * np.eye(z.shape[1]), z.T)
        else:
            inner = np.linalg.solve(z @ z.T + alpha * np.eye(n), z @ z.T)
        hat = inner + 1 / n
        residual = y - hat @ y
        score = (residual @ residual) / (n - np.trace(hat)) ** 2
        best = min(best, (score, alpha))
    return best[1]


if __name__ == "__main__":
    for name, n, p in [("TALL", 40, 6), ("WIDE", 15, 25)]:
        x = uniform(1, n * p).reshape(n, p)
        y = 2 * x[:, 0] - x[:, 3] + uniform(2, n)
        if p < n:
            fit = sm.OLS(y, sm.add_constant(x)).fit()
            show(f"OLS_{name}", [fit.rsquared, fit.rsquared_adj, *fit.params])
        alpha = gcv(x, y)
        scale = x.std(0)
        fit = Ridge(alpha=alpha).fit((x - x.mean(0)) / scale, y)
        coefficients = fit.coef_ / scale
        show(f"RIDGE_{name}", [alpha, y.mean() - coefficients @ x.mean(0), *coefficients])

    labels = uniform(3, 200) < 0.4
    scores = np.round(np.clip(0.5 * uniform(4, 200) + 0.35 * labels + 0.05, 0, 1), 2)
    fpr, tpr, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    show("AUC", roc_auc_score(labels, scores))
    show("ROC", [len(fpr), fpr.sum(), tpr.sum(), thresholds[1:].sum()])
    show("BRIER_LOG_LOSS", [brier_score_loss(labels, scores), log_loss(labels, scores)])
    bins = np.minimum((scores * 10).astype(int), 9)
    ece = sum(
        (bins == b).mean() * abs(scores[bins == b].mean() - labels[bins == b].mean())
        for b in np.unique(bins)
    )
    show("CALIBRATION_ERROR", ece)
    p_values = uniform(5, 12) ** 3
    show("Q_VALUES", multipletests(p_values, method="fdr_bh")[1])
    show("QUANTILES", np.quantile(uniform(6, 37), [0.025, 0.3, 0.975]))

"""Values of drift measures on two small matrices, by published implementations.

    pip install numpy==2.* scipy scikit-learn dcor netrep; python tests/reference/drift/export.py

CKA: dcor's U-centred inner product is the unbiased HSIC of Song et al. (2012). Canonical correlations: scipy's
angles between the subspaces that PCA keeps. Procrustes: scipy.linalg.orthogonal_procrustes.
"""
import dcor
import numpy as np
from scipy.linalg import orthogonal_procrustes, subspace_angles
from scipy.spatial.distance import pdist, squareform

n, p, q = 12, 4, 5
i = np.arange(n)[:, None]
X = np.sin(1.0 + (2.3 + 0.31 * np.arange(p)[None] ** 2) * i)
Y = np.cos(0.5 + 1.1 * i * (1 + np.arange(q)[None])) + 0.8 * X[:, [0, 1, 2, 3, 0]]


def centre(m):
    return m - m.mean(0)


def gaussian(m, scale):
    d = pdist(m, "sqeuclidean")
    return np.exp(-squareform(d) / (2 * scale**2 * np.median(d)))


def unbiased(k, l):
    off = lambda m: dcor.u_centered(m - np.diag(np.diag(m)))
    return dcor.u_product(off(k), off(l))


def biased(k, l):
    n = len(k)
    h = np.eye(n) - 1 / n
    return np.trace(k @ h @ l @ h)


def cka(f, k, l):
    return f(k, l) / np.sqrt(f(k, k) * f(l, l))


for name, kernel in [("linear", lambda m: m @ m.T), ("gaussian 0.5", lambda m: gaussian(m, 0.5))]:
    k, l = kernel(X), kernel(Y)
    print(name, "biased", repr(float(cka(biased, k, l))), "debiased", repr(float(cka(unbiased, k, l))))


def kept(m, share):
    u, s, _ = np.linalg.svd(centre(m), full_matrices=False)
    k = np.searchsorted(np.cumsum(s**2) / (s**2).sum(), share) + 1
    return u[:, :k], s[:k]


for share in (0.9, 1.0 - 1e-12):
    (ux, sx), (uy, _) = kept(X, share), kept(Y, share)
    r = np.sort(np.cos(subspace_angles(ux, uy)))[::-1]
    a, _, _ = np.linalg.svd(ux.T @ uy)
    w = np.abs(a[:, : len(r)] * sx[:, None]).sum(0)
    print("cca", share, ux.shape[1], uy.shape[1], [float(v) for v in r], "pwcca", float((w * r).sum() / w.sum()))

unit = lambda m: centre(m) / np.linalg.norm(centre(m))
pad = np.hstack([unit(X), np.zeros((n, q - p))])
_, scale = orthogonal_procrustes(pad, unit(Y))
print("procrustes", repr(float(2 - 2 * scale)))

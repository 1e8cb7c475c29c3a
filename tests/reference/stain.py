# Stains of spolia-measure. Python 3.11, numpy 2.4.6, scikit-image 0.26.0, torchstain 1.4.1.
# python stain.py > crates/spolia-measure/tests/reference/stain.csv
# Macenko's matrices are torchstain's own; its pixels are rounded here, which it cuts. Reinhard's
# steps are written out in the space of the paper, as in HistomicsTK.
import numpy as np
from skimage.color.colorconv import hed_from_rgb, rgb_from_hed
from torchstain.numpy.normalizers import NumpyMacenkoNormalizer

from haralick import lcg

COLOURS = np.array([(88, 60, 150)] * 3 + [(214, 120, 184)] * 3 + [(240, 238, 241)] * 2)
LMS = np.array([[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]])
LAB = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
TARGET = np.array([8.74108109, -0.12440419, 0.0444982]), np.array([0.6135447, 0.10989545, 0.0286032])


def image(k):
    """64 x 48 pixels of two stains and glass."""
    noise = lcg(k + 1, 4 * 64 * 48).reshape(-1, 4)
    base = COLOURS[(noise[:, 0] >> 5) % 8]
    return np.clip(base + noise[:, 1:] // [4, 6, 8][k % 3] - 16, 0, 255).astype(np.uint8)


def macenko(rgb):
    own = NumpyMacenkoNormalizer()
    he, amounts, most = own._NumpyMacenkoNormalizer__compute_matrices(rgb, 240, 1, 0.15)
    scaled = amounts * (own.maxCRef / most)[:, None]
    return he, most, amounts, np.clip(np.rint(240 * np.exp(-own.HERef @ scaled).T), 0, 255)


def reinhard(rgb):
    tissue = (-np.log((rgb + 1.0) / 240) >= 0.15).all(1)
    lab = np.log(np.maximum(rgb[tissue] @ LMS.T, np.finfo(float).eps)) @ LAB.T
    mean, sd = lab.mean(0), lab.std(0)
    moved = (lab - mean) / sd * TARGET[1] + TARGET[0]
    out = rgb.astype(float)
    out[tissue] = np.clip(np.rint(np.exp(moved @ np.linalg.inv(LAB).T) @ np.linalg.inv(LMS).T), 0, 255)
    return mean, sd, out


def hed(rgb, scale, shift):
    density = np.log(np.maximum(rgb / 255, 1e-6)) / np.log(1e-6)
    amounts = density @ hed_from_rgb * scale + shift
    return np.clip(np.exp(amounts @ rgb_from_hed * np.log(1e-6)), 0, 1)


if __name__ == "__main__":
    print("image,what,values")
    for k in range(6):
        rgb = image(k)
        he, most, amounts, painted = macenko(rgb)
        mean, sd, moved = reinhard(rgb)
        changed = hed(rgb, [1.05, 0.9, 1.02], [0.01, -0.02, 0.005])
        rows = {
            "macenko": [*he[:, 0], *he[:, 1], *most],
            "amounts": amounts[:, ::400].T.ravel(),
            "macenko_sum": painted.sum(0),
            "macenko_pixels": painted[::400].ravel(),
            "reinhard": [*mean, *sd],
            "reinhard_sum": moved.sum(0),
            "reinhard_pixels": moved[::400].ravel(),
            "hed": changed[::400].ravel(),
        }
        for what, values in rows.items():
            print(f"{k},{what}," + " ".join(f"{v:.10g}" for v in values))

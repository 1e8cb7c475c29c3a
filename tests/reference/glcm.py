# Reference values of spolia-measure. Python 3.11, numpy 2.4.6, scikit-image 0.26.0.
# python glcm.py prints the tables of crates/spolia-measure/tests/scikit_image.rs and the checksum
# of the gray levels of ties in crates/spolia-measure/src/gray.rs.
import warnings

import numpy as np
from skimage.color import rgb2gray
from skimage.feature import graycomatrix, graycoprops
from skimage.util import img_as_ubyte

warnings.simplefilter("ignore")
PROPERTIES = ["ASM", "contrast", "correlation", "dissimilarity", "energy", "homogeneity"]
ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]


def lcg(seed, count):
    """Top bytes of x = 1664525 x + 1013904223 mod 2^32."""
    x, out = seed, []
    for _ in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(x >> 24)
    return np.array(out, np.uint8)


def smooth(seed, height, width):
    """RGB of a soft blob pattern: neighbours are alike, as in tissue."""
    noise = lcg(seed, height * width * 3).reshape(height, width, 3).astype(int)
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((x * x // 7 + y * (c + 2) + noise // 16) % 200 + 40).astype(np.uint8)


def row(matrix):
    return ", ".join(f"{graycoprops(matrix, name)[0, 0]:.17g}" for name in PROPERTIES)


if __name__ == "__main__":
    ties = [
        (r, g, b)
        for r in range(256)
        for g in range(256)
        for b in range(256)
        if (2125 * r + 7154 * g + 721 * b) % 10000 == 5000
    ]
    levels = img_as_ubyte(rgb2gray(np.array(ties, np.uint8)[None]))[0]
    print("ties", len(ties), sum(int(v) * (k + 1) for k, v in enumerate(levels)))

    noise = lcg(1, 64 * 64).reshape(64, 64)
    print("noise", noise.ravel()[:4], noise.sum())
    for distance in (1, 3):
        for k, angle in enumerate(ANGLES):
            for symmetric in (True, False):
                m = graycomatrix(noise, [distance], [angle], 256, symmetric=symmetric, normed=True)
                print(f"    ({distance}, {k}, {str(symmetric).lower()}, [{row(m)}]),")

    for seed, height, width in [(2, 17, 23), (3, 48, 31), (4, 96, 96)]:
        gray = img_as_ubyte(rgb2gray(smooth(seed, height, width)))
        m = graycomatrix(gray, [1], [0], 256, symmetric=True, normed=True)
        print(f"    ({seed}, {height}, {width}, {gray.sum()}, [{row(m)}]),")

"""mahotas' and scikit-image's times beside those of `cargo bench`, in alternating rounds, and the ratios.

    SPOLIA_DATA=folder python crates/spolia-measure/benches/peers.py [--rounds 5]

Run at the root of the repository, one thread. Needs numpy, mahotas and scikit-image, and h5py where
SPOLIA_DATA names the folder of the data; else the patch is the synthetic one of texture.rs. Each round
runs the Rust bench and each peer; reported are the median over rounds and the range.
"""
import argparse
import json
import os
import statistics
import subprocess
import time
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import mahotas
import numpy as np
import skimage
from skimage.color import rgb2gray, rgb2hed, rgb2hsv
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.util import img_as_ubyte

warnings.simplefilter("ignore")
SIDE = 224


def patch():
    folder = os.environ.get("SPOLIA_DATA")
    if folder:
        import h5py

        with h5py.File(f"{folder}/camelyon_patches/cam17_patches.hdf5") as file:
            return file["normal/level7/centre0/patient010/node4/patches"][0]
    x, out = 1, np.empty(SIDE * SIDE * 3, np.uint8)
    for k in range(out.size):
        x = (1664525 * x + 1013904223) % 2**32
        row, column = k // (3 * SIDE), k // 3 % SIDE
        out[k] = (60 * ((row // 16 + column // 16) % 3) + row // 4 + k % 3 * 8 + (x >> 28)) % 256
    return out.reshape(SIDE, SIDE, 3)


def works(rgb):
    """Name of the Rust bench, peer, one call."""
    gray = img_as_ubyte(rgb2gray(rgb))
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]

    def properties():
        glcm = graycomatrix(gray, [1], angles, 256, symmetric=True, normed=True)
        return [graycoprops(glcm, name) for name in ("ASM", "contrast", "correlation")]

    return [
        ("haralick13_4_directions", "mahotas", lambda: mahotas.features.haralick(gray)),
        ("glcm_3_properties_4_directions", "scikit-image", properties),
        ("lbp_uniform_8_1", "scikit-image",
         lambda: np.bincount(local_binary_pattern(gray, 8, 1, "uniform").astype(int).ravel())),
        ("colour", "scikit-image", lambda: (rgb2hed(rgb).mean((0, 1)), rgb2hsv(rgb).mean((0, 1)))),
    ]


def milliseconds(call):
    call()
    times, end = [], time.perf_counter() + 0.5
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def ours(names):
    """Milliseconds of each Rust bench, from criterion's own records."""
    bench = ["cargo", "bench", "-q", "-p", "spolia-measure", "--bench", "texture", "--",
             "--warm-up-time", "0.3", "--measurement-time", "0.5", "--sample-size", "20", "--noplot"]
    ran = subprocess.run(bench, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stderr)
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    found = {}
    for name in names:
        with open(f"{target}/criterion/{name}/new/estimates.json") as file:
            found[name] = json.load(file)["median"]["point_estimate"] / 1e6
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    listed = works(patch())
    rust, peer = {w[0]: [] for w in listed}, {w[0]: [] for w in listed}
    for _ in range(rounds):
        for name, value in ours(rust).items():
            rust[name].append(value)
        for name, _, call in listed:
            peer[name].append(milliseconds(call))
    print(f"mahotas {mahotas.__version__}, scikit-image {skimage.__version__}, {rounds} rounds, ms")
    for name, library, _ in listed:
        a, b = rust[name], peer[name]
        print(f"{name}: spolia {statistics.median(a):.3f} ({min(a):.3f}-{max(a):.3f}), "
              f"{library} {statistics.median(b):.2f} ({min(b):.2f}-{max(b):.2f}), "
              f"ratio 1/{statistics.median(b) / statistics.median(a):.1f}")

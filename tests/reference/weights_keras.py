"""Writes keras.zip, the small Keras files that crates/spolia-network/tests/weights_keras.rs reads.

    python3 tests/reference/weights_keras.py crates/spolia-network/tests/weights_files

Written with h5py 3.16.0. They have the groups and names of Keras's InceptionV3, but kernels of 1 x 1 with one input and
output, which tell the layer: the kernel of the k-th convolution (from 1) is k, its batch norm's beta k + 0.25, mean
k + 0.5, variance k + 0.75.
"""

import io
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np


def numbered(name, k):
    """Keras 2.3 and later leave the number of the first layer out."""
    return f"{name}_{k}" if k else name


def keras_2(root, first, dense):
    """Keras 1 and 2: /conv2d_1/conv2d_1/kernel:0."""
    for k in range(94):
        conv, norm = numbered("conv2d", first + k), numbered("batch_normalization", first + k)
        root[f"{conv}/{conv}/kernel:0"] = np.full((1, 1, 1, 1), k + 1, "f4")
        for name, part in (("beta", 0.25), ("moving_mean", 0.5), ("moving_variance", 0.75)):
            root[f"{norm}/{norm}/{name}:0"] = np.full(1, k + 1 + part, "f4")
    if dense:
        root[f"{dense}/{dense}/kernel:0"] = np.arange(6, dtype="f4").reshape(3, 2)
        root[f"{dense}/{dense}/bias:0"] = np.array([7, 8], "f4")


def keras_3(root):
    """Keras 3, .weights.h5: /layers/conv2d/vars/0."""
    for k in range(94):
        root[f"layers/{numbered('conv2d', k)}/vars/0"] = np.full((1, 1, 1, 1), k + 1, "f4")
        for number, part in enumerate((0.25, 0.5, 0.75)):
            root[f"layers/{numbered('batch_normalization', k)}/vars/{number}"] = np.full(1, k + 1 + part, "f4")
    root["optimizer/vars/0"] = np.zeros(1, "f4")


files = {name: io.BytesIO() for name in ("keras_2_notop.h5", "keras_2_saved_model.h5", "keras_3.weights.h5")}
with h5py.File(files["keras_2_notop.h5"], "w") as file:
    keras_2(file, 1, None)
with h5py.File(files["keras_2_saved_model.h5"], "w", libver="latest") as file:
    keras_2(file.create_group("model_weights"), 95, "predictions")
    file["optimizer_weights/conv2d_95/momentum/kernel:0"] = np.zeros((1, 1, 1, 1), "f4")
with h5py.File(files["keras_3.weights.h5"], "w", libver="latest") as file:
    keras_3(file)
with zipfile.ZipFile(Path(sys.argv[1]) / "keras.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, file in files.items():
        archive.writestr(zipfile.ZipInfo(name), file.getvalue(), zipfile.ZIP_DEFLATED)

# Texture values of spolia-measure. Python 3.11, numpy 2.4.6, scikit-image 0.26.0, mahotas 1.4.19;
# pyradiomics 3.0.1 with SimpleITK (may live in an environment of its own).
# python haralick.py skimage|mahotas|pyradiomics > crates/spolia-measure/tests/reference/NAME.csv
# One hundred images, which crates/spolia-measure/tests/images/mod.rs makes likewise.
import logging
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
ANGLES = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
SKIMAGE = ["ASM", "contrast", "correlation", "dissimilarity", "energy", "homogeneity", "mean",
           "variance", "std", "entropy"]
PYRADIOMICS = ["JointEnergy", "Contrast", "Correlation", "SumSquares", "Idm", "SumAverage",
               "ClusterTendency", "SumEntropy", "JointEntropy", "DifferenceVariance",
               "DifferenceEntropy", "Imc1", "Imc2", "MCC", "Autocorrelation", "ClusterProminence",
               "ClusterShade", "DifferenceAverage", "Id", "Idn", "Idmn", "InverseVariance",
               "MaximumProbability", "JointAverage"]


def lcg(seed, count):
    """Top bytes of x = 1664525 x + 1013904223 mod 2^32."""
    x, out = seed, []
    for _ in range(count):
        x = (1664525 * x + 1013904223) % 2**32
        out.append(x >> 24)
    return np.array(out, int)


def image(k):
    """Noise, a soft pattern or noise on zeros; 4 to 256 levels; 7 to 32 pixels a side."""
    width, height = 7 + k * 5 % 26, 7 + k * 11 % 23
    levels = [256, 16, 8, 32, 4][k % 5]
    noise = lcg(k + 1, width * height).reshape(height, width)
    y, x = np.mgrid[:height, :width]
    value = (x * x // 7 + y * 3 + noise // 16) % 256 if k % 3 == 1 else noise
    value = value * levels // 256
    if levels < 256:
        value += k % 4 * 10
    if k % 3 == 2:
        value[noise < 96] = 0
    return value.astype(np.uint8)


def mask(k, shape):
    return lcg(k + 1001, shape[0] * shape[1]).reshape(shape) < 200


def row(*numbers):
    print(",".join(f"{number:.12g}" for number in numbers))


def skimage():
    from skimage.feature import graycomatrix, graycoprops

    print("image,distance,angle," + ",".join(SKIMAGE))
    for k in range(100):
        distance = 1 + k % 3
        glcm = graycomatrix(image(k), [distance], ANGLES, 256, symmetric=k % 2 == 0, normed=True)
        for a in range(4):
            row(k, distance, a, *(graycoprops(glcm, name)[0, a] for name in SKIMAGE))


def mahotas():
    from mahotas.features import haralick

    print("image,distance,angle,f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f11,f12,f13,f14,f10_of_differences")
    for k in range(100):
        distance = 1 + k % 3
        same = dict(distance=distance, ignore_zeros=k % 3 == 2)
        try:
            features = haralick(image(k), compute_14th_feature=True, **same)
        except np.linalg.LinAlgError:  # a row of the matrix without variance
            features = np.pad(haralick(image(k), **same), ((0, 0), (0, 1)), constant_values=np.nan)
        other = haralick(image(k), use_x_minus_y_variance=True, **same)[:, 9]
        for a in range(4):
            row(k, distance, a, *features[a], other[a])


def pyradiomics():
    import SimpleITK as sitk
    from radiomics import glcm

    logging.getLogger("radiomics").setLevel(logging.ERROR)
    print("image,distance," + ",".join(PYRADIOMICS))
    for k in range(100):
        values = image(k)
        measured = mask(k, values.shape) if k % 3 == 1 else np.ones(values.shape)
        binning = [dict(binWidth=25), dict(binWidth=7.5), dict(binCount=8), dict(binWidth=3)][k % 4]
        extractor = glcm.RadiomicsGLCM(
            sitk.GetImageFromArray(values[None].astype(np.int32)),
            sitk.GetImageFromArray(measured[None].astype(np.uint8)),
            distances=[1 + k % 2], force2D=True, force2Ddimension=0,
            symmetricalGLCM=k % 5 != 4, **binning)
        extractor.enableAllFeatures()
        found = extractor.execute()
        row(k, 1 + k % 2, *(float(np.real(found[name])) for name in PYRADIOMICS))


if __name__ == "__main__":
    {"skimage": skimage, "mahotas": mahotas, "pyradiomics": pyradiomics}[sys.argv[1]]()

# Local binary patterns of spolia-measure. Python 3.11, numpy 2.4.6, scikit-image 0.26.0.
# python lbp.py > crates/spolia-measure/tests/reference/lbp.csv
# Images are those of haralick.py and flat ones; a code's checksum is the sum of (place + 1) code.
import warnings

import numpy as np
from skimage.feature import local_binary_pattern

from haralick import image

warnings.simplefilter("ignore")
CIRCLES = [(8, 1), (16, 2), (24, 3), (8, 1.5), (5, 0.7), (12, 40)]


def checksum(values):
    return sum((place + 1) * value for place, value in enumerate(values))


if __name__ == "__main__":
    print("image,points,radius,default,ror,uniform,nri_uniform,var")
    for k in range(0, 100, 4):
        for points, radius in CIRCLES:
            gray = image(k)
            codes = [
                checksum(int(code) for code in local_binary_pattern(gray, points, radius, name).ravel())
                for name in ("default", "ror", "uniform", "nri_uniform")
            ]
            var = np.nan_to_num(local_binary_pattern(gray, points, radius, "var")).ravel()
            print(f"{k},{points},{radius}," + ",".join(map(str, codes)) + f",{checksum(var):.12g}")

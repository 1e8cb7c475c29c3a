# Colours of spolia-measure. Python 3.11, numpy 2.4.6, scipy 1.17.1, scikit-image 0.26.0.
# python colour.py > crates/spolia-measure/tests/reference/colour.csv
import warnings

import numpy as np
from scipy.stats import circmean, circvar
from skimage.color import rgb2hed, rgb2hsv

from haralick import lcg

warnings.simplefilter("ignore")


def image(k):
    """Noise about one of five colours, from black to white; 6 to 25 pixels a side."""
    width, height = 6 + k * 7 % 20, 6 + k * 3 % 17
    base = [(0, 0, 0), (150, 90, 160), (225, 140, 190), (235, 235, 235), (90, 120, 60)][k % 5]
    noise = lcg(k + 1, width * height * 3).reshape(height, width, 3)
    if k % 4 == 3:
        noise[..., 1:] = noise[..., :1]
    return np.clip(np.array(base) + noise // [1, 4, 8][k % 3] - 12, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    print("image,haematoxylin_mean,haematoxylin_sd,eosin_mean,eosin_sd,hue_mean,hue_variance,"
          "saturation_mean,saturation_sd,brightness_mean,brightness_sd,white_share")
    for k in range(40):
        rgb = image(k)
        hed, hsv = rgb2hed(rgb), rgb2hsv(rgb)
        coloured = hsv[..., 0][np.ptp(rgb, axis=-1) > 0]
        hue = (circmean(coloured, high=1), circvar(coloured, high=1)) if coloured.size else (0, 0)
        values = [hed[..., 0].mean(), hed[..., 0].std(), hed[..., 1].mean(), hed[..., 1].std(), *hue,
                  hsv[..., 1].mean(), hsv[..., 1].std(), hsv[..., 2].mean(), hsv[..., 2].std(),
                  (rgb >= 200).all(-1).mean()]
        print(f"{k}," + ",".join(f"{value:.12g}" for value in values))

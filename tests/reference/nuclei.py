# Reference values of spolia-measure's nuclei. Python 3.11, numpy 2.4.6, scikit-image 0.26.0.
# python nuclei.py prints the table of crates/spolia-measure/tests/nuclei_scikit_image.rs.
import numpy as np
from skimage.color import rgb2hed
from skimage.measure import regionprops

y, x = np.mgrid[:48, :48]
u, v = x - 26 + y - 9, x - 26 - (y - 9)
ring = (x - 28) ** 2 + (y - 30) ** 2
shapes = [
    (x - 8) ** 2 + (y - 7) ** 2 <= 30,  # disk
    u**2 + 6 * v**2 <= 120,  # ellipse along the diagonal
    (x >= 2) & (y >= 20) & (y <= 34) & ((x <= 6) | (y >= 30) & (x <= 16)),  # L
    (ring >= 16) & (ring <= 60),
    (y == 42) & (x >= 3) & (x <= 12),  # line
    (y == 42) & (x == 18),  # pixel
    (x - 46) ** 2 + 2 * (y - 20) ** 2 <= 40,  # cut by the right border
    (abs(x - 25) <= 1) & (abs(y - 42) <= 1) | (abs(x - 31) <= 1) & (abs(y - 45) <= 1),  # two parts
]
labels = sum(10 * (k + 1) * shape.astype(int) for k, shape in enumerate(shapes))
rgb = np.stack([(7 * x + 13 * y) % 200 + 40, (11 * x + 3 * y) % 180 + 30, (5 * x * y) % 150 + 90], -1)
# rgb2hed divides the natural logarithm by that of 1e-6.
density = 6 * rgb2hed(rgb.astype(np.uint8))[..., 0]

for r in regionprops(labels):
    stain = density[labels == r.label]
    numbers = [
        *r.centroid,
        r.area,
        r.perimeter_crofton,
        r.axis_major_length,
        r.axis_minor_length,
        r.eccentricity,
        r.orientation,
        r.solidity,
        stain.mean(),
        stain.std(),
    ]
    print(f"    ({r.label}, [{', '.join(repr(float(number)) for number in numbers)}]),")

"""Literal values of crates/spolia-slide/tests/openslide.rs, from openslide-python.

Versions: openslide-python 1.4.7, openslide-bin 4.0.1.2 (OpenSlide 4.0.1), Pillow 13.0.0, numpy 2.4.6.

For each slide: 200 random squares at each of three resolutions (1, 2.5 and 6 pixels of level 0 a
pixel), read as OpenSlide's users do: the best level for the downsampling, then Pillow's bilinear
resize (antialiased) with a box. Written for each region: level-0 x and y, side, and the means of
its channels over a 4 x 4 grid, as bytes.

    python openslide_regions.py SLIDE... --out FOLDER       # <stem>.regions.bin beside the tests
    python openslide_regions.py SLIDE... --pixels FOLDER    # whole pixels, for compare_regions.py
"""

import argparse
import pathlib
import struct

import numpy as np
import openslide
from PIL import Image

SIDE = 96
DOWNSAMPLES = [1.0, 2.5, 6.0]
COUNT = 200


def corners(width, height, downsample, seed):
    rng = np.random.default_rng(seed)
    span = int(np.ceil(SIDE * downsample))
    xs = rng.integers(0, max(1, width - span), COUNT)
    ys = rng.integers(0, max(1, height - span), COUNT)
    return list(zip(xs.tolist(), ys.tolist()))


def region(slide, x, y, downsample):
    """`SIDE` px square at `downsample`, x and y level-0 px, over white."""
    level = slide.get_best_level_for_downsample(downsample + 1e-2)
    base = round(slide.level_downsamples[level])
    scale = downsample / base
    if scale == 1:
        image = slide.read_region((x, y), level, (SIDE, SIDE))
        return np.asarray(over_white(image))
    # a margin, so that the filter sees across the border as it does inside a slide
    margin = int(np.ceil(scale)) + 2
    left, top = x / base - margin, y / base - margin
    x0, y0 = int(np.floor(left)), int(np.floor(top))
    size = int(np.ceil(SIDE * scale)) + 2 * margin + 2
    # OpenSlide places a region by the ratio of the sizes (2.0005 for 2): undo it
    own = slide.level_downsamples[level]
    image = slide.read_region((round(x0 * own), round(y0 * own)), level, (size, size))
    box = (x / base - x0, y / base - y0, x / base - x0 + SIDE * scale, y / base - y0 + SIDE * scale)
    return np.asarray(over_white(image).resize((SIDE, SIDE), Image.BILINEAR, box=box))


def over_white(image):
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slides", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--pixels", type=pathlib.Path)
    args = parser.parse_args()
    for path in args.slides:
        slide = openslide.OpenSlide(str(path))
        print(path.name, slide.level_dimensions, slide.level_downsamples, slide.properties.get("openslide.mpp-x"))
        records, pixels = [], []
        for number, downsample in enumerate(DOWNSAMPLES):
            for x, y in corners(*slide.dimensions, downsample, number):
                rgb = region(slide, x, y, downsample)
                means = rgb.reshape(4, SIDE // 4, 4, SIDE // 4, 3).mean((1, 3))
                quarters = np.round(means).astype(np.uint8)
                records.append(struct.pack("<dII", downsample, x, y) + quarters.tobytes())
                pixels.append(struct.pack("<dII", downsample, x, y) + rgb.tobytes())
        if args.out:
            (args.out / f"{path.stem}.regions.bin").write_bytes(b"".join(records))
        if args.pixels:
            (args.pixels / f"{path.stem}.pixels.bin").write_bytes(b"".join(pixels))


if __name__ == "__main__":
    main()

"""Literal values of crates/spolia-slide/tests/openslide.rs, from openslide-python.

Versions: openslide-python 1.4.7, openslide-bin 4.0.1.2 (OpenSlide 4.0.1), Pillow 13.0.0, numpy 2.4.6.

For each slide: 200 random squares at each of three resolutions (1, 2.5 and 6 pixels of level 0 a
pixel), read as OpenSlide's users do: the best level for the downsampling, then Pillow's bilinear
resize (antialiased) with a box. Written for each region: level-0 x and y, side, and the means of
its channels over a 4 x 4 grid, as bytes.

    python openslide_regions.py SLIDE... --out FOLDER       # <stem>.regions.bin beside the tests
    python openslide_regions.py SLIDE... --pixels FOLDER    # whole pixels, for the example `regions`
    python openslide_regions.py SLIDE... --time             # as the example `regions` without pixels
"""

import argparse
import pathlib
import struct
import time
from concurrent.futures import ThreadPoolExecutor

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
    image = whole(slide, level).crop((x0, y0, x0 + size, y0 + size))
    box = (x / base - x0, y / base - y0, x / base - x0 + SIDE * scale, y / base - y0 + SIDE * scale)
    return np.asarray(image.resize((SIDE, SIDE), Image.BILINEAR, box=box))


LEVELS = {}


def whole(slide, level):
    """A level as one image, white around it. OpenSlide places a region by the ratio of the sizes
    (2.0005 for 2) and so shifts it by parts of a pixel; from its corner it does not."""
    key = (slide, level)
    if key not in LEVELS:
        LEVELS[key] = Padded(over_white(slide.read_region((0, 0), level, slide.level_dimensions[level])))
    return LEVELS[key]


class Padded:
    def __init__(self, image):
        self.image = image

    def crop(self, box):
        out = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), (255, 255, 255))
        out.paste(self.image, (-box[0], -box[1]))
        return out


def over_white(image):
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


def timed(path):
    """ms per random 224 px region of level 0 as an RGB array, tiles cached, one and two threads."""
    slide = openslide.OpenSlide(str(path))
    slide.set_cache(openslide.OpenSlideCache(256 << 20))
    rng = np.random.default_rng(0)
    width, height = slide.dimensions
    places = list(zip(rng.integers(0, width - 224, 1000).tolist(), rng.integers(0, height - 224, 1000).tolist()))

    def read(place):
        return np.asarray(slide.read_region(place, 0, (224, 224)).convert("RGB"))

    def coarser(place):
        level = slide.get_best_level_for_downsample(2.5)
        side = 224 * 2.5 / slide.level_downsamples[level]
        image = slide.read_region(place, level, (int(np.ceil(side)),) * 2).convert("RGB")
        return np.asarray(image.resize((224, 224), Image.BILINEAR, box=(0, 0, side, side)))

    start = time.perf_counter()
    for place in places:
        read(place)
    print(f"{path.name} first pass, 1 thread: {time.perf_counter() - start:.3f} ms per region")
    for what, work in [("cached", read), ("2.5 times coarser", coarser)]:
        for threads in [1, 2]:
            with ThreadPoolExecutor(threads) as pool:
                start = time.perf_counter()
                list(pool.map(work, places))
                print(f"{path.name} {what}, {threads} threads: {time.perf_counter() - start:.3f} ms per region")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slides", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--pixels", type=pathlib.Path)
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()
    for path in args.slides:
        if args.time:
            timed(path)
            continue
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

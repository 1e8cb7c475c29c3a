"""What cutting the patches of a table takes openslide-python and Pillow: the peer's side of docs/slides.md, "Checked against".

Opens the slide, makes its thumbnail, and reads every patch of patches.csv from the best level for its µm/px, resizes it (bilinear,
antialiased) where the level is finer, and writes it as PNG, in as many threads as asked. Importing the libraries is not counted.

    python huge.py SLIDE PATCHES.csv SIDE OUT [--threads 2] [--level 1]

--level is zlib's: 6 as documented, 1 as an expert would. Prints patches, seconds, ms a patch and a megapixel of level 0, and the most
memory held.
"""

import argparse
import csv
import pathlib
import resource
import time
from concurrent.futures import ThreadPoolExecutor

import openslide
from PIL import Image


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slide")
    parser.add_argument("table")
    parser.add_argument("side", type=int)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--level", type=int, default=6)
    args = parser.parse_args()
    with open(args.table) as file:
        rows = [(row["id"], int(row["x"]), int(row["y"]), float(row["mpp"])) for row in csv.DictReader(file)]
    args.out.mkdir(parents=True, exist_ok=True)

    start = time.perf_counter()
    slide = openslide.OpenSlide(args.slide)
    slide.set_cache(openslide.OpenSlideCache(128 << 20))
    own = float(slide.properties["openslide.mpp-x"])
    slide.get_thumbnail((2048, 2048)).save(args.out / "thumbnail.png")

    def cut(row):
        name, x, y, mpp = row
        down = mpp / own
        level = slide.get_best_level_for_downsample(down * 1.01)
        span = args.side * down / slide.level_downsamples[level]
        if abs(span - args.side) < 0.01 * args.side:
            image = over_white(slide.read_region((x, y), level, (args.side, args.side)))
        else:
            whole = int(span + 1)
            image = over_white(slide.read_region((x, y), level, (whole, whole)))
            image = image.resize((args.side, args.side), Image.BILINEAR, box=(0, 0, span, span))
        image.save(args.out / f"{name}.png", compress_level=args.level)
        return (args.side * down) ** 2 / 1e6

    with ThreadPoolExecutor(args.threads) as pool:
        megapixels = sum(pool.map(cut, rows))
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(rows)} patches {seconds:.2f} s, {1e3 * seconds / len(rows):.2f} ms a patch, "
        f"{1e3 * seconds / megapixels:.2f} ms a megapixel, {memory:.0f} MiB"
    )


def over_white(image):
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


if __name__ == "__main__":
    main()

"""How time and memory of spolia and of PyTorch grow: with the batch, the side of the images, the threads, and the channels that a
visualization draws at a time.

    cargo build --release
    python benches/scaling.py [--runs 5] [--out scaling.csv] [--plot docs/scaling.png] [--quick]
    python benches/scaling.py --from scaling.csv            # the plot and the table of what was measured before

Needs what peer.py needs, and matplotlib. Every point is a process of its own, so that memory is that point's: the largest
resident set, with all the process holds. The two programs take turns. Writes a row for each point and program, draws the curves,
and prints the table of docs/performance.md: each sweep's ends and middle. `--quick` takes the smallest points once, to see that
all works; its numbers mean nothing.
"""
import argparse
import csv
import pathlib
import sys
from types import SimpleNamespace

import compare

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ["sweep", "work", "layer", "size", "batch", "threads", "program", "median_ms", "low_ms", "high_ms", "peak_bytes"]
PASSES = ["forward", "input-gradient", "training"]
BATCHES, SIDES, CHANNELS = [1, 2, 4, 8, 16, 32, 64], [75, 96, 128, 160, 224, 299, 384, 512], [1, 2, 4, 8, 16, 32]
# What each sweep varies, and its name on the axis.
AXES = {"batch": ("batch", "images a batch, 224 px"), "side": ("size", "side of the images, px, 8 a batch"),
        "threads": ("threads", "threads, 8 images of 224 px"), "channels": ("batch", "channels at a time, Mixed_6a, 128 px")}


def points(quick):
    """Sweep, work, layer, side, batch, threads."""
    few = (lambda values: values[:2]) if quick else (lambda values: values)
    # PyTorch trains no single image whose last maps have one pixel.
    side = 128 if quick else 224
    for work in PASSES:
        yield from (("batch", work, None, side, batch, 2) for batch in few(BATCHES))
        yield from (("side", work, None, size, 2 if quick else 8, 2) for size in few(SIDES))
        yield from (("threads", work, None, side, 2 if quick else 8, threads) for threads in (1, 2))
    yield from (("channels", "visualization", "Mixed_6a", side if quick else 128, channels, 2) for channels in few(CHANNELS))


def measure(args):
    programs = {"spolia": [args.spolia, "bench", "--json", "--quiet"], "PyTorch": [sys.executable, HERE / "peer.py"]}
    with open(args.out, "w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for sweep, work, layer, size, batch, threads in points(args.quick):
            for program, command in programs.items():
                found = compare.once(command, (work, layer, size, batch), SimpleNamespace(runs=1 if args.quick else args.runs, threads=threads))
                row = {"sweep": sweep, "work": work, "layer": layer or "", "size": size, "batch": batch, "threads": threads, "program": program}
                table.writerow(row | {column: found[column] for column in COLUMNS[-4:]})
                file.flush()
                print(f"{sweep} {work} {size} px, {batch}, {threads} threads, {program}: {found['median_ms']:.0f} ms", file=sys.stderr)


def read(file):
    """Rows by sweep, work and program, in the order of what is swept."""
    curves = {}
    with open(file, newline="") as lines:
        for row in csv.DictReader(lines):
            at, batch = int(row[AXES[row["sweep"]][0]]), int(row["batch"])
            per = [float(row[c]) / batch for c in ("median_ms", "low_ms", "high_ms")]
            curves.setdefault((row["sweep"], row["work"], row["program"]), []).append((at, *per, int(row["peak_bytes"]) / 1e6))
    return {key: sorted(rows) for key, rows in curves.items()}


def draw(curves, file):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import lines, pyplot, ticker

    works = [*PASSES, "visualization"]
    figure, axes = pyplot.subplots(2, len(AXES), figsize=(15, 7), squeeze=False)
    for column, (sweep, (_, label)) in enumerate(AXES.items()):
        time, memory = axes[0][column], axes[1][column]
        for (of, work, program), rows in curves.items():
            if of != sweep:
                continue
            x, median, low, high, peak = zip(*rows)
            style = {"color": f"C{works.index(work)}", "linestyle": "-" if program == "spolia" else "--", "marker": "o", "markersize": 3}
            time.plot(x, median, **style)
            time.fill_between(x, low, high, color=style["color"], alpha=0.12, linewidth=0)
            memory.plot(x, peak, **style)
        for axis, name in ((time, "ms an image" if sweep != "channels" else "ms a step and channel"), (memory, "MB, whole process")):
            axis.set(xscale="log", yscale="log", ylabel=name, xlabel=label)
            ticks = sorted({row[0] for (of, *_), rows in curves.items() if of == sweep for row in rows})
            axis.set_xticks(ticks, [str(tick) for tick in ticks])
            axis.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter(ticker.FuncFormatter(lambda y, _: f"{y:g}"))
            axis.minorticks_off()
            axis.grid(alpha=0.3)
        memory.set_ylim(bottom=50)
    handles = [lines.Line2D([], [], color=f"C{i}", label=work) for i, work in enumerate(works)]
    handles += [lines.Line2D([], [], color="black", linestyle=style, label=program) for program, style in (("spolia", "-"), ("PyTorch", "--"))]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(file, dpi=110)


def table(curves):
    print("| varied | work | at | spolia, ms | PyTorch, ms | ratio | spolia, MB | PyTorch, MB |\n|---|---|---|---|---|---|---|---|")
    for (sweep, work, program), ours in curves.items():
        theirs = dict((row[0], row) for row in curves.get((sweep, work, "PyTorch"), []))
        if program != "spolia":
            continue
        for i in sorted({0, len(ours) // 2, len(ours) - 1}):
            at, median, *_, peak = ours[i]
            if at in theirs:
                other = theirs[at]
                print(f"| {sweep} | {work} | {at} | {median:.3g} | {other[1]:.3g} | **{median / other[1]:.2f}** | {peak:.0f} | {other[4]:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spolia", default=HERE.parent / "target/release/spolia")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("scaling.csv"))
    parser.add_argument("--plot", type=pathlib.Path, default=HERE.parent / "docs/scaling.png")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--from", dest="earlier", type=pathlib.Path)
    args = parser.parse_args()
    if not args.earlier:
        measure(args)
    curves = read(args.earlier or args.out)
    draw(curves, args.plot)
    table(curves)


if __name__ == "__main__":
    main()

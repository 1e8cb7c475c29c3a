"""Feature visualization beside Lucent: the objective reached, by PyTorch's own measurement of the saved images, and the time.

    cargo build --release -p spolia-interpret --examples
    python benches/visualization.py --weights inception_v3.safetensors [--layer Mixed_5b,Mixed_6a] [--channels 0-9] [--size 128]
                             [--steps 512] [--threads 2] [--out lucent-bench]

Needs torch, torchvision, torch-lucent, safetensors, Pillow; weights in the Keras convention. For each layer both programs
make one image per channel with the same number of steps: spolia by its preset `lucid` and by `optimise` with the list of
transformations, both for all channels of a layer in one run; Lucent by `render_vis` with its defaults on the network cut
after the layer with frozen weights, which sees 128 px as spolia's does, and 224 px as is its default. Every image is saved
with 8 bits and measured as it is at `size` pixels: the mean of the channel over rows and columns. Prints a table; rows go
to OUT/channels.csv.
"""
import argparse
import csv
import os
import pathlib
import random
import re
import statistics
import subprocess
import time
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.models.inception as inception
from PIL import Image
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent
STAGES = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2", "Mixed_5b", "Mixed_5c",
          "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a", "Mixed_7b", "Mixed_7c"]


class Pools:
    """torch.nn.functional with Keras's average pools, which leave the padding out."""

    def __getattr__(self, name):
        return getattr(F, name)

    def avg_pool2d(self, x, kernel_size, stride=None, padding=0):
        return F.avg_pool2d(x, kernel_size, stride, padding, count_include_pad=False)


def head(weights, layer):
    inception.F = Pools()
    net = inception.Inception3(num_classes=1, aux_logits=False, transform_input=False, init_weights=False)
    missing = [k for k in net.load_state_dict(load_file(weights), strict=False).missing_keys if not k.startswith("fc.") and "num_batches" not in k]
    if missing:
        raise SystemExit(f"{weights} lacks {missing[:3]}")
    stages = STAGES[: STAGES.index(layer) + 1]
    return torch.nn.Sequential(OrderedDict((s, getattr(net, s)) for s in stages)).eval().requires_grad_(False).to(memory_format=torch.channels_last)


def measure(net, channel, path):
    x = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        return net(x.contiguous(memory_format=torch.channels_last))[0, channel].mean().item()


def lucent(net, layer, channel, steps, size, seen, path):
    from lucent.optvis import objectives, param, render, transform

    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    start = time.perf_counter()
    image = render.render_vis(net, objectives.channel(layer, channel), lambda: param.image(size), preprocess=False, thresholds=(steps,), progress=False,
                              transforms=transform.standard_transforms + [lambda x: 2 * x - 1], show_image=False, fixed_image_size=seen)[-1][0]
    spent = time.perf_counter() - start
    for module in net.modules():
        module._forward_hooks.clear()
    Image.fromarray((image * 255).round().clip(0, 255).astype(np.uint8)).save(path)
    return spent


def spolia(command, out, threads):
    """Runs an example; ms per channel and step."""
    out.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env={**os.environ, "RAYON_NUM_THREADS": str(threads)})
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(re.match(r"([\d.]+) ms", done.stdout).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", required=True)
    parser.add_argument("--layer", default="Mixed_5b,Mixed_6a")
    parser.add_argument("--channels", default="0-9")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seen", default="128,224", help="what Lucent's network sees, pixels")
    parser.add_argument("--examples", type=pathlib.Path, default=HERE.parent / "target/release/examples")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("lucent-bench"))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    first, _, last = args.channels.partition("-")
    channels = list(range(int(first), int(last or first) + 1))
    rows, table = [], []
    for layer in args.layer.split(","):
        net, found = head(args.weights, layer), {}
        out = args.out / layer
        spent = spolia([args.examples / "visualize", args.weights, layer, ",".join(map(str, channels)), out / "preset", "lucid", args.steps, args.size], out, args.threads)
        found["spolia, preset lucid"] = spent, [measure(net, c, out / "preset" / f"{layer}_{c:04d}.ppm") for c in channels]
        spent = spolia([args.examples / "visualize_objective", args.weights, out / "list", "lucid", args.steps, args.size,
                        *(f"channel({layer},{c})" for c in channels)], out, args.threads)
        found["spolia, list"] = spent, [measure(net, c, out / "list" / f"{i:04d}.ppm") for i, c in enumerate(channels)]
        for seen in map(int, args.seen.split(",")):
            values, spent = [], 0
            for c in channels:
                path = out / f"lucent_{seen}_{c:04d}.png"
                spent += lucent(net, layer, c, args.steps, args.size, seen, path)
                values.append(measure(net, c, path))
            found[f"Lucent, {seen} px"] = 1e3 * spent / args.steps / len(channels), values
        theirs = np.array(found[f"Lucent, {args.seen.split(',')[0]} px"][1])
        for who, (spent, values) in found.items():
            rows += [[layer, c, who, v] for c, v in zip(channels, values)]
            ratio = np.median(np.array(values)[theirs > 0] / theirs[theirs > 0])
            table.append([layer, who, len(channels), f"{statistics.mean(values):.3f}", f"{ratio:.2f}", sum(np.array(values) > theirs), f"{spent:.1f}"])
    with open(args.out / "channels.csv", "w", newline="") as file:
        csv.writer(file).writerows([["layer", "channel", "program", "mean_activation"], *rows])
    print("| layer | program | channels | mean of the objectives | median ratio to Lucent | channels above Lucent | ms a channel and step |\n|---|---|---|---|---|---|---|")
    for row in table:
        print("|", " | ".join(map(str, row)), "|")


if __name__ == "__main__":
    main()

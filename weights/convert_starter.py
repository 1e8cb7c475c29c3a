"""Makes inception_v3_starter.safetensors from the npm package nsfwjs 4.4.0 (MIT).

    npm pack nsfwjs@4.4.0 && tar xzf nsfwjs-4.4.0.tgz
    python3 convert_starter.py package inception_v3_starter.safetensors

Python's standard library only (3.9 or newer). The package's 8-bit values are kept as they are: a tensor's values are
`byte * scale + min`, with `scale` and `min` in the header (`__metadata__`, key `quantization`). Kernels change their
axes from rows, columns, inputs, outputs to outputs, inputs, rows, columns; layers get torchvision's names. The three
dense layers are left out.
"""

import base64
import json
import re
import struct
import sys
from pathlib import Path


def keras_order():
    """torchvision's name of each convolution, in the order in which Keras creates them (conv2d_1 .. conv2d_94)."""
    names = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3"]
    double = [f"branch3x3dbl_{k}" for k in (1, 2, 3)]
    seven = ["branch1x1"] + [f"branch7x7_{k}" for k in (1, 2, 3)] + [f"branch7x7dbl_{k}" for k in range(1, 6)]
    fork = ["branch1x1", "branch3x3_1", "branch3x3_2a", "branch3x3_2b"]
    fork += ["branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a", "branch3x3dbl_3b", "branch_pool"]
    branches = {
        "Mixed_5b Mixed_5c Mixed_5d": ["branch1x1", "branch5x5_1", "branch5x5_2", *double, "branch_pool"],
        "Mixed_6a": ["branch3x3", *double],
        "Mixed_6b Mixed_6c Mixed_6d Mixed_6e": [*seven, "branch_pool"],
        "Mixed_7a": ["branch3x3_1", "branch3x3_2"] + [f"branch7x7x3_{k}" for k in (1, 2, 3, 4)],
        "Mixed_7b Mixed_7c": fork,
    }
    for blocks, parts in branches.items():
        names += [f"{block}.{part}" for block in blocks.split() for part in parts]
    return names


def read_package(folder):
    """The package's tensors: name -> (shape, scale, min, bytes)."""
    model = (folder / "model.min.js").read_text()
    manifest = model[model.index("weightsManifest:") :]
    shards = re.search(r"paths:\[([^\]]*)\]", manifest).group(1).replace('"', "").split(",")
    # Each shard is a script whose longest string is the base64 of its bytes.
    data = b"".join(
        base64.b64decode(max(re.findall(r'"([A-Za-z0-9+/=]*)"', (folder / f"{shard}.min.js").read_text()), key=len))
        for shard in shards
    )
    pattern = (
        r'\{name:"([^"]+)",shape:\[([\d,]*)\],dtype:"float32",'
        r'quantization:\{min:([-.\de]+),scale:([-.\de]+),dtype:"uint8"\}\}'
    )
    tensors, offset = {}, 0
    for name, shape, least, scale in re.findall(pattern, manifest):
        shape = [int(side) for side in shape.split(",")]
        count = 1
        for side in shape:
            count *= side
        tensors[name] = (shape, float(scale), float(least), data[offset : offset + count])
        offset += count
    if offset != len(data) or len(tensors) != manifest.count("{name:"):
        raise SystemExit("the package is not laid out as in nsfwjs 4.4.0")
    return tensors


def outputs_first(shape, data):
    """Rows x columns x inputs x outputs to outputs x inputs x rows x columns."""
    rows, columns, inputs, outputs = shape
    area, plane = rows * columns, inputs * outputs
    out = bytearray(len(data))
    for pixel in range(area):
        of_pixel = data[pixel * plane : (pixel + 1) * plane]
        out[pixel::area] = b"".join(of_pixel[o::outputs] for o in range(outputs))
    return [outputs, inputs, rows, columns], bytes(out)


STORY = {
    "architecture": "inception_v3",
    "convention": "keras",
    "classes": [],
    "history": [
        "pretrained on ImageNet (keras.applications InceptionV3, images as x / 127.5 - 1)",
        "tuned further on photographs and drawings in the 5 classes of a content-moderation data set (nsfw_model, images "
        "as x / 255), with the convolutions and batch norms of the stem, Mixed_5b to Mixed_6c and "
        "Mixed_6d.branch7x7dbl_1 frozen",
        "quantised to 8 bits per tensor (npm nsfwjs 4.4.0)",
        "renamed and transposed by spolia's weights/convert_starter.py; dense layers left out",
    ],
    "provenance": "Stem, Mixed_5b to Mixed_6c and Mixed_6d.branch7x7dbl_1: ImageNet. The rest of Mixed_6d, Mixed_6e and "
    "Mixed_7a to Mixed_7c: ImageNet, then tuned on a content-moderation data set. No classification layer. 8-bit "
    "quantised.",
    "license": "MIT (nsfwjs, Copyright (c) 2019 Infinite Red, Inc.)",
}


def main(package, out):
    source = read_package(Path(package) / "dist" / "models" / "inception_v3")
    parts = {"beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    tensors, quantization = {}, {}
    for number, name in enumerate(keras_order(), start=1):
        wanted = {f"{name}.conv.weight": f"conv2d_{number}/kernel"}
        wanted |= {f"{name}.bn.{ours}": f"batch_normalization_{number}/{theirs}" for theirs, ours in parts.items()}
        for ours, theirs in wanted.items():
            shape, scale, least, data = source[theirs]
            tensors[ours] = outputs_first(shape, data) if len(shape) == 4 else (shape, data)
            quantization[ours] = {"scale": scale, "min": least}

    def dumps(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":"))

    readable = {key: STORY[key] for key in ("architecture", "convention", "license", "provenance")}
    header = {"__metadata__": {"spolia": dumps(STORY), "quantization": dumps(quantization), **readable}}
    offset = 0
    for name, (shape, data) in sorted(tensors.items()):
        header[name] = {"dtype": "U8", "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(out, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, (_, data) in sorted(tensors.items()):
            file.write(data)


if __name__ == "__main__":
    main(*sys.argv[1:])

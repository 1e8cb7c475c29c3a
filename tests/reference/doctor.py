"""Literal values of the engine's self-check in crates/spolia/src/commands/doctor/engine.rs. torch 2.15, torchvision.

    python tests/reference/doctor.py

The starter weights, convention keras, a 75 px image of ramps (3 x + 2 y + 40 c) mod 256: the spatial means of
channels k C / 8 of some stages and the root mean square over all their channels, in float64; the error of float32 goes to
standard error.
"""
import sys

import numpy as np
import torch

from engine import network, starter

STAGES = ["Conv2d_2b_3x3", "Mixed_5b", "Mixed_6a"]


def means(dtype):
    state = starter()
    state["fc.weight"], state["fc.bias"] = torch.zeros(1, 2048), torch.zeros(1)
    net = network(False, state).eval().to(dtype)
    found = {}
    for name in STAGES:
        getattr(net, name).register_forward_hook(lambda m, i, o, name=name: found.__setitem__(name, o.mean((2, 3))[0]))
    y, x, c = np.mgrid[0:75, 0:75, 0:3]
    image = ((3 * x + 2 * y + 40 * c) % 256).astype(np.float64) / 127.5 - 1
    with torch.inference_mode():
        net(torch.from_numpy(image).permute(2, 0, 1)[None].to(dtype))
    return found


exact, single = means(torch.float64), means(torch.float32)
for name in STAGES:
    rms = exact[name].square().mean().sqrt().item()
    values = ", ".join(f"{v:.7e}" for v in exact[name][:: len(exact[name]) // 8].tolist())
    print(f'    ("{name}", {rms:.7e}, [{values}]),')
    print(name, ((single[name].double() - exact[name]).abs().max().item() / rms), file=sys.stderr)

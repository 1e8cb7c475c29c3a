"""Values and gradients of objectives by automatic differentiation in float64, written after Lucid 0.3.10's objectives.py, for
crates/spolia-interpret/tests/visualize_objectives.rs. torch 2.15.

    python tests/reference/visualize_objectives.py > crates/spolia-interpret/tests/visualize_objectives.json
"""
import json

import torch

from engine import values as single


def values(seed, n):
    return torch.from_numpy(single(seed, n)).double()

N, H, W, C, STEP = 3, 2, 3, 32, 7
X = values(41, N * H * W * C).reshape(N, H, W, C)
V = values(42, C)
IW, IH = 7, 5
IMAGE = (values(43, 3 * IH * IW).reshape(3, IH, IW) + 1) / 2


def direction(x, power):
    dot = x @ V
    cosine = dot / (1e-4 + x.norm(dim=-1)) / (1e-4 + V.norm())
    return (dot * cosine.clamp(min=0.1) ** power).mean((1, 2))


def diversity(x):
    flat = x.reshape(N, -1, C)
    grams = flat.transpose(1, 2) @ flat
    grams = grams / grams.square().sum((1, 2), keepdim=True).clamp(min=1e-10).sqrt()
    return -sum((grams[i] * grams[j]).sum() for i in range(N) for j in range(N) if j != i) / N


def alignment(x):
    return -sum((x[i] - x[i + d]).square().mean() / 2.0**d for d in (1, 2, 3, 4) for i in range(N - d))


def blur(image):
    kernel = torch.full((1, 1, 3, 3), 0.5, dtype=torch.float64)
    kernel[0, 0, 1, 1] = 1
    mean = lambda t: torch.nn.functional.conv2d(t, kernel, padding=1)
    planes = image[:, None]
    with torch.no_grad():
        blurred = mean(planes) / mean(torch.ones_like(planes))
    return 0.5 * (planes - blurred).square().sum() / (IW * IH)


per_image = {
    "channel(Conv2d_1a_3x3, 5)": lambda x: x[..., 5].mean((1, 2)),
    "neuron(Conv2d_1a_3x3, 5)": lambda x: x[:, H // 2, W // 2, 5],
    "neuron(Conv2d_1a_3x3, 5, 0, 2)": lambda x: x[:, 0, 2, 5],
    "direction(Conv2d_1a_3x3, v)": lambda x: (x @ V).mean((1, 2)),
    "direction(Conv2d_1a_3x3, v, 2)": lambda x: direction(x, 2.0),
    "direction(Conv2d_1a_3x3, v, 0.5)": lambda x: direction(x, 0.5),
    "deepdream(Conv2d_1a_3x3)": lambda x: x.square().mean((1, 2, 3)),
    "2*channel(Conv2d_1a_3x3, 1) - neuron(Conv2d_1a_3x3, 3)/4": lambda x: 2 * x[..., 1].mean((1, 2)) - x[:, H // 2, W // 2, 3] / 4,
}
joint = {"diversity(Conv2d_1a_3x3)": diversity, "alignment(Conv2d_1a_3x3)": alignment}
images = {
    "tv": lambda i: ((i[:, 1:] - i[:, :-1]).abs().sum() + (i[..., 1:] - i[..., :-1]).abs().sum()) / (IW * IH),
    "l1": lambda i: (i - 0.5).abs().sum() / (IW * IH),
    "l2(0.25)": lambda i: ((1e-6 + (i - 0.25).square().sum()) / (IW * IH)).sqrt(),
    "blur": blur,
}
rows = []
for text, f in per_image.items():
    x = X.clone().requires_grad_()
    value = f(x)
    value.sum().backward()
    rows.append({"objective": text, "values": value.tolist(), "gradient": x.grad.reshape(-1)[::STEP].tolist()})
for text, f in joint.items():
    x = X.clone().requires_grad_()
    value = f(x)
    (N * value).backward()
    rows.append({"objective": text, "mean": value.item(), "gradient": x.grad.reshape(-1)[::STEP].tolist()})
for text, f in images.items():
    i = IMAGE.clone().requires_grad_()
    value = f(i)
    value.backward()
    rows.append({"objective": text, "image": value.item(), "gradient": i.grad.reshape(-1)[::STEP].tolist()})
for row in rows:
    row["gradient"] = [float(f"{g:.8g}") for g in row["gradient"]]
print(json.dumps({"shape": [N, H, W, C], "image": [IW, IH], "step": STEP, "rows": rows}))

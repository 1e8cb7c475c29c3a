"""Literal values of PyTorch for crates/spolia-network/src/cpu/tests.rs: one layer of each kind (convolution, batch norm of the
batch, ReLU), its output and the gradients of its input, kernel, gamma and beta, in float64. torch 2.15.

    python tests/reference/layers.py > crates/spolia-network/src/cpu/layers.json
"""
import json
import numpy as np, torch, torch.nn.functional as F


def values(seed, n):
    x = (np.arange(n, dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(16))
    return torch.from_numpy((x.astype(np.float64) / 2147483648.0 - 1.0).astype(np.float32)).double()


def summary(t):
    t = t.detach()
    if t.dim() == 4:
        t = t.permute(0, 2, 3, 1) if t.shape[0] == 3 else t
    flat = t.reshape(-1)
    at = np.linspace(0, flat.numel() - 1, 12).astype(np.int64)
    return {"sum": flat.sum().item(), "abs": flat.abs().sum().item(), "rms": flat.square().mean().sqrt().item(), "values": flat[at].tolist()}


layers = [  # inputs, outputs, kernel, stride, padding, side
    (3, 32, (3, 3), 2, (0, 0), 21), (5, 7, (3, 3), 1, (0, 0), 9), (8, 16, (3, 3), 1, (1, 1), 8), (6, 10, (1, 1), 1, (0, 0), 7),
    (4, 6, (5, 5), 1, (2, 2), 9), (8, 8, (1, 7), 1, (0, 3), 10), (8, 8, (7, 1), 1, (3, 0), 10), (6, 6, (1, 3), 1, (0, 1), 3),
    (6, 6, (3, 1), 1, (1, 0), 3), (16, 24, (3, 3), 2, (0, 0), 10), (96, 160, (3, 3), 1, (1, 1), 4)]
out = []
for i, (inputs, outputs, kernel, stride, padding, side) in enumerate(layers):
    x = values(10 * i + 1, 3 * side * side * inputs).reshape(3, side, side, inputs).permute(0, 3, 1, 2).requires_grad_(True)
    w = values(10 * i + 2, outputs * inputs * kernel[0] * kernel[1]).reshape(outputs, inputs, *kernel).requires_grad_(True)
    gamma = (1 + 0.2 * values(10 * i + 3, outputs)).requires_grad_(True)
    beta = (0.1 * values(10 * i + 4, outputs)).requires_grad_(True)
    y = F.relu(F.batch_norm(F.conv2d(x, w, stride=stride, padding=padding), None, None, gamma, beta, True, 0.1, 1e-3))
    dy = values(10 * i + 5, y.numel()).reshape(y.shape[0], y.shape[2], y.shape[3], y.shape[1]).permute(0, 3, 1, 2)
    (y * dy).sum().backward()
    out.append({"inputs": inputs, "outputs": outputs, "kernel": kernel, "stride": stride, "padding": padding, "side": side,
                "y": summary(y), "dx": summary(x.grad), "dw": summary(w.grad), "dgamma": summary(gamma.grad), "dbeta": summary(beta.grad)})
print(json.dumps(out))

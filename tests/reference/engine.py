"""Literal values of PyTorch's InceptionV3 for crates/spolia-network/tests/pytorch.rs. torch 2.15, torchvision.

    python tests/reference/engine.py > crates/spolia-network/tests/pytorch.json

Weights need no file: every parameter is a fixed function of its position (`values` below, the same in the test), so both
sides build the same network. For each stage: sum, sum of absolutes and 32 values of its activation, and of the gradient
of sum(logits) with respect to it; the gradient of the image; of each kind of parameter; the losses of five steps.
"""
import json, types
import numpy as np, torch, torch.nn.functional as F
import torchvision.models.inception as tvi

STAGES = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2",
          "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a",
          "Mixed_7b", "Mixed_7c"]
SIDE, IMAGES, RATE = 107, 3, 1e-3


def values(seed, n):
    """n values in [-1, 1): a 32-bit mixer of (seed, position)"""
    x = (np.arange(n, dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(16))
    return (x.astype(np.float64) / 2147483648.0 - 1.0).astype(np.float32)


def network(count_padding):
    shim = types.SimpleNamespace(**{k: getattr(F, k) for k in dir(F) if not k.startswith("__")})
    shim.avg_pool2d = lambda x, kernel_size, stride=None, padding=0: F.avg_pool2d(
        x, kernel_size, stride, padding, count_include_pad=count_padding)
    tvi.F = shim
    net = tvi.Inception3(num_classes=1, aux_logits=False, transform_input=False, init_weights=False, dropout=0.0)
    state = net.state_dict()
    names = sorted(k for k in state if "num_batches" not in k)
    for i, name in enumerate(names):
        shape = state[name].shape
        v = torch.from_numpy(values(i + 1, state[name].numel())).reshape(shape)
        if name.endswith("conv.weight"):
            v = v * (6.0 / (shape[1] * shape[2] * shape[3])) ** 0.5
        elif name == "fc.weight":
            v = v * 0.05
        elif name.endswith("running_var"):
            v = 1.0 + 0.3 * v
        elif name.endswith("bn.weight"):
            v = 1.0 + 0.2 * v
        else:
            v = 0.1 * v
        state[name].copy_(v)
    net.load_state_dict(state)
    return net


def summary(t):
    t = t.detach().double()
    if t.dim() == 4:
        t = t.permute(0, 2, 3, 1)
    flat = t.reshape(-1)
    at = np.linspace(0, flat.numel() - 1, 32).astype(np.int64)
    return {"shape": list(t.shape), "sum": flat.sum().item(), "abs": flat.abs().sum().item(), "rms": flat.square().mean().sqrt().item(), "values": flat[at].tolist()}


out = {}
x = torch.from_numpy(values(1000, IMAGES * SIDE * SIDE * 3)).reshape(IMAGES, SIDE, SIDE, 3).permute(0, 3, 1, 2)
for convention, count_padding in (("keras", False), ("torchvision", True)):
    net = network(count_padding).eval()
    image = x.clone().requires_grad_(True)
    a, kept = image, {}
    for s in STAGES:
        a = getattr(net, s)(a)
        a.retain_grad()
        kept[s] = a
    logits = net.fc(torch.flatten(F.adaptive_avg_pool2d(a, 1), 1))
    logits.sum().backward()
    out[convention] = {"activations": {s: summary(t) for s, t in kept.items()}, "logits": logits.flatten().tolist(),
                       "gradients": {s: summary(t.grad) for s, t in kept.items()}, "image": summary(image.grad)}

net = network(False).train()
labels = torch.tensor([0.0, 1.0, 1.0])
loss = F.binary_cross_entropy_with_logits(net(x)[:, 0], labels)
loss.backward()
params = dict(net.named_parameters())
chosen = ["Conv2d_1a_3x3.conv.weight", "Conv2d_2b_3x3.conv.weight", "Conv2d_2b_3x3.bn.weight", "Conv2d_2b_3x3.bn.bias",
          "Conv2d_3b_1x1.conv.weight", "Mixed_5b.branch5x5_2.conv.weight", "Mixed_6a.branch3x3.conv.weight",
          "Mixed_6c.branch7x7_2.conv.weight", "Mixed_6c.branch7x7_3.conv.weight", "Mixed_7a.branch3x3_2.bn.weight",
          "Mixed_7b.branch3x3dbl_3a.conv.weight", "Mixed_7c.branch_pool.conv.weight", "fc.weight", "fc.bias"]


def plain(t):
    t = t.detach().double().reshape(-1)
    at = np.linspace(0, t.numel() - 1, 32).astype(np.int64)
    return {"shape": list(t.shape), "sum": t.sum().item(), "abs": t.abs().sum().item(), "rms": t.square().mean().sqrt().item(), "values": t[at].tolist()}


out["training"] = {"loss": loss.item(), "gradients": {n: plain(params[n].grad) for n in chosen}}
net = network(False).train()
opt = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, nesterov=True)
losses = []
for step in range(5):
    batch = torch.from_numpy(values(2000 + step, IMAGES * SIDE * SIDE * 3)).reshape(IMAGES, SIDE, SIDE, 3).permute(0, 3, 1, 2)
    for g in opt.param_groups:
        g["lr"] = RATE / (1 + 1e-6 * step)
    loss = F.binary_cross_entropy_with_logits(net(batch)[:, 0], labels)
    opt.zero_grad(); loss.backward(); opt.step()
    losses.append(loss.item())
out["training"]["losses"] = losses
state = net.state_dict()
out["training"]["after"] = {n: plain(state[n]) for n in ("Conv2d_2b_3x3.bn.running_mean", "Conv2d_2b_3x3.bn.running_var", "Mixed_7c.branch1x1.conv.weight")}
print(json.dumps(out))

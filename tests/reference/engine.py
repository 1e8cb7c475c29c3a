"""Literal values of PyTorch's InceptionV3 for crates/spolia-network/tests/pytorch.rs. torch 2.15, torchvision.

    python tests/reference/engine.py > crates/spolia-network/tests/pytorch.json

Weights: the starter weights (weights/inception_v3_starter.safetensors, 8-bit values restored) with a fixed last layer.
Images: blocks of colour with noise, a fixed function of position (`values`, `images` below, the same in the test).
Random weights on noise would not do: there PyTorch's own float32 gradients are 10 % off its float64 ones. The
literals are PyTorch's float64; its own float32 error against them (of the image and of three a few rounding errors away) goes to standard error. For each stage: sum, sum of absolutes and 32 values of its activation, and of the gradient
of sum(logits) with respect to it; the gradient of the image; the losses of five training steps.
Gradients of each kind of layer's parameters: layers.py.
"""
import json, pathlib, sys, types
import numpy as np, torch, torch.nn.functional as F
import torchvision.models.inception as tvi

STAGES = ["Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2",
          "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7a",
          "Mixed_7b", "Mixed_7c"]
SIDE, IMAGES, RATE = 107, 8, 1e-4


def values(seed, n):
    """n values in [-1, 1): a 32-bit mixer of (seed, position)"""
    x = (np.arange(n, dtype=np.uint64) + np.uint64(seed) * np.uint64(0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x = x ^ (x >> np.uint64(16))
    return (x.astype(np.float64) / 2147483648.0 - 1.0).astype(np.float32)


def images(seed):
    block = values(seed, IMAGES * 14 * 14 * 3).reshape(IMAGES, 14, 14, 3).repeat(8, 1).repeat(8, 2)[:, :SIDE, :SIDE]
    noise = values(seed + 1, IMAGES * SIDE * SIDE * 3).reshape(IMAGES, SIDE, SIDE, 3)
    return torch.from_numpy(np.float32(0.75) * block + np.float32(0.25) * noise).permute(0, 3, 1, 2)


def starter():
    """8-bit tensors are value * scale + min, kept in the header"""
    path = pathlib.Path(__file__).resolve().parents[2] / "weights" / "inception_v3_starter.safetensors"
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header, data = json.loads(raw[8:8 + size]), raw[8 + size:]
    levels, state = json.loads(header.pop("__metadata__")["quantization"]), {}
    for name, entry in header.items():
        part = data[slice(*entry["data_offsets"])]
        if entry["dtype"] == "U8":
            t = np.frombuffer(part, np.uint8).astype(np.float32) * np.float32(levels[name]["scale"]) + np.float32(levels[name]["min"])
        else:
            t = np.frombuffer(part, np.float32)
        state[name] = torch.from_numpy(t.copy()).reshape(entry["shape"])
    return state


def network(count_padding, state):
    shim = types.SimpleNamespace(**{k: getattr(F, k) for k in dir(F) if not k.startswith("__")})
    shim.avg_pool2d = lambda x, kernel_size, stride=None, padding=0: F.avg_pool2d(
        x, kernel_size, stride, padding, count_include_pad=count_padding)
    tvi.F = shim
    net = tvi.Inception3(num_classes=1, aux_logits=False, transform_input=False, init_weights=False, dropout=0.0)
    state = dict(state)
    state["fc.weight"] = torch.from_numpy(np.float32(0.05) * values(7, 2048)).reshape(1, 2048)
    state["fc.bias"] = torch.zeros(1)
    missing, unexpected = net.load_state_dict(state, strict=False)
    left = [m for m in missing if "num_batches" not in m and not m.endswith("bn.weight")]     # no gamma: it stays 1
    assert not unexpected and not left, (left, unexpected)
    return net


def summary(t):
    """an activation N C H W as N H W C; a kernel O I H W as it is"""
    t = t.detach().double()
    if t.dim() == 4 and t.shape[0] in (2, IMAGES):
        t = t.permute(0, 2, 3, 1)
    flat = t.reshape(-1)
    at = np.linspace(0, flat.numel() - 1, 32).astype(np.int64)
    return {"shape": list(t.shape), "sum": flat.sum().item(), "abs": flat.abs().sum().item(), "rms": flat.square().mean().sqrt().item(), "values": flat[at].tolist()}


def infer(count_padding, state, x, precision):
    net = network(count_padding, state).eval().to(precision)
    image = x.to(precision, copy=True).requires_grad_(True)
    a, kept = image, {}
    for s in STAGES:
        a = getattr(net, s)(a)
        a.retain_grad()
        kept[s] = a
    logits = net.fc(torch.flatten(F.adaptive_avg_pool2d(a, 1), 1))
    logits.sum().backward()
    return {"activations": kept, "gradients": {**{s: t.grad for s, t in kept.items()}, "image": image.grad}}, logits


def error(a, b):
    return ((a.detach().double() - b.detach().double()).abs().max() / b.detach().double().square().mean().sqrt()).item()


LABELS = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
state, out = starter(), {}


def first_sound(seeds, attempt, limit=3e-5):
    """float32 flips a ReLU or a maximum now and then, and moves gradients by per cents: take images where PyTorch's does not"""
    for seed in seeds:
        result, worst = attempt(seed)
        print(attempt.__name__, seed, f"{worst:.1e}", file=sys.stderr, flush=True)
        if worst < limit:
            return seed, result
    raise SystemExit("no sound images found")


def inference(seed):
    result, worst = {}, 0.0
    for convention, count_padding in (("keras", False), ("torchvision", True)):
        x = images(seed)[:2]
        double, logits = infer(count_padding, state, x, torch.float64)
        # A network of ReLUs and maxima has a gradient that jumps. Noise of some rounding errors must not reach a jump, or another
        # order of sums would.
        near = [x * (1 + 2e-6 * torch.from_numpy(values(seed + k, x.numel())).reshape(x.shape)) for k in (2, 3, 4)]
        for single in (infer(count_padding, state, image, torch.float32)[0] for image in (x, *near)):
            worst = max([worst] + [error(t, double[k][s]) / (2 if k == "activations" else 1) for k in single for s, t in single[k].items()])
        result[convention] = {"logits": logits.flatten().tolist(), "image": summary(double["gradients"].pop("image")),
                              **{k: {s: summary(t) for s, t in double[k].items()} for k in double}}
    return result, worst


def five_steps(seed):
    runs = []
    for precision in (torch.float32, torch.float64):
        net = network(False, state).train().to(precision)
        opt = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, nesterov=True)
        losses = []
        for step in range(5):
            opt.param_groups[0]["lr"] = RATE / (1 + 1e-6 * step)
            loss = F.binary_cross_entropy_with_logits(net(images(seed + 10 * step).to(precision))[:, 0], LABELS.to(precision))
            opt.zero_grad(); loss.backward(); opt.step()
            losses.append(loss.item())
        runs.append(losses)
    after = net.state_dict()
    names = ("Conv2d_2b_3x3.bn.running_mean", "Conv2d_2b_3x3.bn.running_var", "Mixed_7c.branch1x1.conv.weight")
    return {"losses": runs[1], "after": {n: summary(after[n]) for n in names}}, max(abs(a - b) / b for a, b in zip(*runs))


if __name__ == "__main__":
    out["inference_seed"], inferred = first_sound(range(1000, 1400, 10), inference, 1e-4)
    out.update(inferred)
    out["loss_seed"], losses = first_sound(range(3000, 3600, 100), five_steps)
    out["training"] = losses
    print(json.dumps(out))

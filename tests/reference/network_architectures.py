"""Literal values of torchvision's ResNet-50, DenseNet-121 and SqueezeNet 1.1 for
crates/spolia-network/tests/architectures.rs. torch 2.15, torchvision 0.29.

    python tests/reference/network_architectures.py > crates/spolia-network/tests/architectures.json

Weights and images are fixed functions of position (`values` of engine.py; `weights`, `images` below, the same in the
test). For each stage: the activation, and the gradient of sum(logits) with respect to it; the gradient of the image;
the losses of three training steps and some weights after them. The literals are PyTorch's float64, for images where its
own float32 agrees with that (engine.py says why).
"""
import json, sys
import numpy as np, torch, torch.nn.functional as F, torchvision

from engine import error, first_sound, values

SIDE, COUNT, CLASSES, RATE = 64, 4, 3, 1e-4
LABELS = torch.tensor([0.0, 1.0, 1.0, 0.0])


def images(seed):
    block = values(seed, COUNT * 8 * 8 * 3).reshape(COUNT, 8, 8, 3).repeat(8, 1).repeat(8, 2)
    noise = values(seed + 1, COUNT * SIDE * SIDE * 3).reshape(COUNT, SIDE, SIDE, 3)
    return torch.from_numpy(np.float32(1.5) * block + np.float32(0.5) * noise).permute(0, 3, 1, 2)


def is_head(name):
    return name.startswith(("fc.", "classifier."))


def weights(net):
    """by sorted name: kernels of He's variance (a hundredth of its deviation in the classification layer), scales about 1 (half of it where a residual path ends), the rest about 0"""
    state = {n: t for n, t in net.state_dict().items() if not n.endswith("num_batches_tracked")}
    for seed, (name, t) in enumerate(sorted(state.items())):
        v = values(seed, t.numel()).reshape(t.shape)
        if t.dim() > 1:
            v = np.float32((0.01 if is_head(name) else 1.0) * (6.0 / t[0].numel()) ** 0.5) * v
        elif name.endswith("weight") or name.endswith("running_var"):
            v = (np.float32(0.5) if name.endswith("bn3.weight") else np.float32(1.0)) + np.float32(0.2) * v
        else:
            v = np.float32(0.1) * v
        state[name] = torch.from_numpy(v)
    return state


def stages(net, kind):
    """name and function of each stage"""
    flat = lambda x: torch.flatten(x, 1)
    if kind == "resnet50":
        yield "conv1", lambda x: F.relu(net.bn1(net.conv1(x)))
        yield "maxpool", net.maxpool
        for k in range(1, 5):
            for b, block in enumerate(getattr(net, f"layer{k}")):
                yield f"layer{k}.{b}", block
        yield "avgpool", net.avgpool
        yield "fc", lambda x: net.fc(flat(x))[:, :, None, None]
    elif kind == "densenet121":
        f = net.features
        yield "conv0", lambda x: F.relu(f.norm0(f.conv0(x)))
        yield "pool0", f.pool0
        for name in ("denseblock1", "transition1", "denseblock2", "transition2", "denseblock3", "transition3", "denseblock4"):
            yield name, getattr(f, name)
        yield "norm5", lambda x: F.relu(f.norm5(x))
        yield "avgpool", lambda x: F.adaptive_avg_pool2d(x, 1)
        yield "classifier", lambda x: net.classifier(flat(x))[:, :, None, None]
    else:
        f, c = net.features, net.classifier
        yield "conv1", lambda x: F.relu(f[0](x))
        for name, k in (("maxpool1", 2), ("fire2", 3), ("fire3", 4), ("maxpool3", 5), ("fire4", 6), ("fire5", 7),
                        ("maxpool5", 8), ("fire6", 9), ("fire7", 10), ("fire8", 11), ("fire9", 12)):
            yield name, f[k]
        # the ReLU behind conv10 is left out where there is one logit
        yield "conv10", lambda x: F.relu(c[1](x)) if c[1].out_channels > 1 else c[1](x)
        yield "avgpool", c[3]


def network(kind, classes, precision):
    net = getattr(torchvision.models, kind)(weights=None, num_classes=classes)
    net.load_state_dict(weights(net), strict=False)
    for m in net.modules():
        if isinstance(m, torch.nn.ReLU):
            m.inplace = False
    return net.to(precision)


def summary(t):
    t = t.detach().double()
    if t.dim() == 4 and t.shape[0] in (2, COUNT):
        t = t.permute(0, 2, 3, 1)
    flat = t.reshape(-1)
    at = np.linspace(0, flat.numel() - 1, 12).astype(np.int64)
    return {"sum": flat.sum().item(), "abs": flat.abs().sum().item(), "rms": flat.square().mean().sqrt().item(), "values": flat[at].tolist()}


def infer(kind, seed, precision):
    net = network(kind, CLASSES, precision).eval()
    image = images(seed)[:2].to(precision).requires_grad_(True)
    a, kept = image, {}
    for name, stage in stages(net, kind):
        a = stage(a)
        a.retain_grad()
        kept[name] = a
    assert torch.equal(a.flatten(1), net(image))
    a.sum().backward()
    return kept, {**{s: t.grad for s, t in kept.items()}, "image": image.grad}


def train(kind, seed, precision):
    net = network(kind, 1, precision).train()
    opt = torch.optim.SGD(net.parameters(), lr=RATE, momentum=0.9, nesterov=True)
    losses = []
    for step in range(3):
        a = images(seed + 10 * step).to(precision)
        for name, stage in stages(net, kind):
            a = stage(a)
        loss = F.binary_cross_entropy_with_logits(a.flatten(), LABELS.to(precision))
        opt.zero_grad(); loss.backward(); opt.step()
        losses.append(loss.item())
    return losses, net.state_dict()


WATCHED = {
    "resnet50": ("bn1.running_mean", "bn1.running_var", "layer2.0.downsample.1.running_var", "layer4.2.conv2.weight", "fc.bias"),
    "densenet121": ("features.norm0.running_mean", "features.denseblock2.denselayer5.norm1.running_var", "features.norm5.running_mean",
                    "features.denseblock3.denselayer3.conv2.weight", "classifier.bias"),
    "squeezenet1_1": ("features.0.bias", "features.6.squeeze.weight", "features.12.expand3x3.bias", "classifier.1.weight", "classifier.1.bias"),
}


def reference(kind):
    def inference(seed):
        single, double = (infer(kind, seed, p) for p in (torch.float32, torch.float64))
        worst = max(error(t, double[k][s]) / (1 if k else 2) for k in (0, 1) for s, t in single[k].items())
        return {"activations": {s: summary(t) for s, t in double[0].items()}, "gradients": {s: summary(t) for s, t in double[1].items()}}, worst

    def training(seed):
        single, double = (train(kind, seed, p) for p in (torch.float32, torch.float64))
        after = {n: summary(double[1][n]) for n in WATCHED[kind]}
        return {"losses": double[0], "after": after}, max(abs(a - b) / b for a, b in zip(single[0], double[0]))

    print(kind, file=sys.stderr)
    seed, inferred = first_sound(range(1000, 3000, 10), inference)
    steps, trained = first_sound(range(3000, 9000, 100), training)
    return {"inference_seed": seed, "training_seed": steps, **inferred, "training": trained}


if __name__ == "__main__":
    print(json.dumps({kind: reference(kind) for kind in sys.argv[1:] or WATCHED}))

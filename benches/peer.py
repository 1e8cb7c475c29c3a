"""PyTorch's times for the work of `spolia bench`, one JSON object a row. Needs torch, torchvision, grad-cam.

    python benches/peer.py [--work forward,input-gradient,training,visualization,grad-cam++] [--layer L] [--size 224]
                           [--batch 1,8,32] [--runs 7] [--threads N] [--setup tuned]

float32, random weights, noise. `--setup tuned`: channels_last; all but training: evaluation mode, batch norm folded into the
convolutions, no gradients of parameters, the network cut after the layer. `compiled`: the same by torch.compile with its weights
frozen; forward alone. `documented`: torchvision's network in evaluation mode, as its pages call it; forward and its gradient.
See docs/performance.md.
"""
import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d, Inception3

WORKS = ["forward", "input-gradient", "training", "visualization", "grad-cam++"]
SETUPS = {"tuned": WORKS, "compiled": ["forward"], "documented": ["forward", "input-gradient"]}


def inception():
    net = Inception3(num_classes=1, aux_logits=False, transform_input=False, init_weights=False)
    return net.to(memory_format=torch.channels_last)


def frozen(layer):
    """The folded network up to and with `layer`; all of it for ''."""
    net = inception().eval().requires_grad_(False)
    for module in net.modules():
        if isinstance(module, BasicConv2d):
            module.conv, module.bn = fuse_conv_bn_eval(module.conv, module.bn), nn.Identity()
    if not layer:
        return net
    stages = dict(net.named_children())
    names = list(stages)
    if layer not in names:
        raise SystemExit(f"no layer {layer}; there are {', '.join(names)}")
    return nn.Sequential(*(stages[name] for name in names[: names.index(layer) + 1]))


def noise(batch, size):
    return (2 * torch.rand(batch, 3, size, size) - 1).contiguous(memory_format=torch.channels_last)


def documented(name, size, batch):
    """One call of torchvision's network as it comes."""
    net = inception().to(memory_format=torch.contiguous_format).eval()
    x = 2 * torch.rand(batch, 3, size, size) - 1
    if name == "forward":
        return torch.no_grad()(lambda: net(x))
    x.requires_grad_()

    def gradient():
        x.grad = None
        net.zero_grad()
        net(x).sum().backward()
    return gradient


def work(name, layer, size, batch, setup):
    """One call of the work, as a function."""
    if setup == "documented":
        return documented(name, size, batch)
    if name == "training":
        net, x, y = inception().train(), noise(batch, size), torch.arange(batch)[:, None].remainder(2).float()
        sgd = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9, nesterov=True)

        def step():
            sgd.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(net(x), y).backward()
            sgd.step()
        return step
    net = frozen("" if name == "grad-cam++" else layer)
    if name == "grad-cam++":
        from pytorch_grad_cam import GradCAMPlusPlus
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        target, x = getattr(net, layer), noise(batch, size)
        target.register_forward_hook(lambda module, given, out: out.requires_grad_(True))     # no gradient below the layer
        cam = GradCAMPlusPlus(model=net, target_layers=[target])
        return lambda: cam(input_tensor=x, targets=[ClassifierOutputTarget(0)] * batch)
    if name == "visualization":
        spectrum = (0.01 * torch.randn(batch, 3, size, size // 2 + 1, 2)).requires_grad_()
        y, x = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None]
        scale = size / (y**2 + x**2).sqrt().clamp(min=1 / size)
        adam, own = torch.optim.Adam([spectrum], lr=0.05), torch.arange(batch)

        def climb():
            adam.zero_grad()
            image = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(size, size)) / 4
            seen = (2 * image.sigmoid() - 1).contiguous(memory_format=torch.channels_last)
            (-net(seen).mean((2, 3))[own, own].sum()).backward()
            adam.step()
        return climb
    x = noise(batch, size)
    if name == "forward":
        if setup == "compiled":
            from torch._inductor import config
            config.freezing = True
            net = torch.compile(net)
            return torch.no_grad()(lambda: net(x))
        return torch.inference_mode()(lambda: net(x))
    x.requires_grad_()
    return lambda: torch.autograd.grad(net(x).sum(), x)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default=",".join(WORKS))
    parser.add_argument("--layer", help="last layer; without it the whole network, for visualization Mixed_6a")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", default="1,8,32")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--setup", choices=SETUPS, default="tuned")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    for name in args.work.split(","):
        if name not in WORKS:
            parser.error(f"no work {name}; there are {', '.join(WORKS)}")
        if name not in SETUPS[args.setup] or (args.setup == "documented" and args.layer):
            parser.error(f"{args.setup}: {', '.join(SETUPS[args.setup])} of the whole network")
        usual = {"visualization": "Mixed_6a", "grad-cam++": "Mixed_7c"}
        layer = "" if name == "training" else args.layer or usual.get(name, "")
        for batch in map(int, args.batch.split(",")):
            call, times = work(name, layer, args.size, batch, args.setup), []
            for run in range(args.runs + 2):
                start = time.perf_counter()
                call()
                if run > 1:
                    times.append(1e3 * (time.perf_counter() - start))
            row = {"work": name, "layer": layer, "size": args.size, "batch": batch, "median_ms": statistics.median(times),
                   "low_ms": min(times), "high_ms": max(times), "peak_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
            print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}), flush=True)


if __name__ == "__main__":
    main()

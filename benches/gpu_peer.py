"""PyTorch's times on a GPU for the work of `spolia bench --device cuda`, one JSON object a row: that of peer.py, there.

    python benches/gpu_peer.py [--work forward,input-gradient,training,visualization] [--size 224] [--batch 1,8,32] [--runs 7]

Each row once in float32 and once with TF32 allowed. As `spolia bench` takes its input from the processor's memory and
brings its result there, a call here copies a batch of pictures to the GPU and what it returns back. See docs/performance.md.
"""
import argparse
import json
import statistics
import time

import torch

import peer


def timed(call, host, runs):
    times = []
    for run in range(runs + 2):
        torch.cuda.synchronize()
        start = time.perf_counter()
        host.to("cuda")
        result = call()
        for part in result if isinstance(result, tuple) else [result]:
            if isinstance(part, torch.Tensor):
                part.detach().cpu()
        torch.cuda.synchronize()
        if run > 1:
            times.append(1e3 * (time.perf_counter() - start))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="forward,input-gradient,training,visualization")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batch", default="1,8,32")
    parser.add_argument("--runs", type=int, default=7)
    args = parser.parse_args()
    torch.set_default_device("cuda")
    torch.manual_seed(0)
    for tf32 in (False, True):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
        for name in args.work.split(","):
            layer = "Mixed_6a" if name == "visualization" else ""
            for batch in map(int, args.batch.split(",")):
                torch.cuda.reset_peak_memory_stats()
                call = peer.work(name, layer, args.size, batch)
                host = torch.rand(batch, 3, args.size, args.size, device="cpu")
                times = timed(call, host, args.runs)
                row = {"work": name, "layer": layer, "size": args.size, "batch": batch, "tf32": tf32,
                       "median_ms": statistics.median(times), "low_ms": min(times), "high_ms": max(times),
                       "device_peak_bytes": torch.cuda.max_memory_allocated(), "torch": torch.__version__,
                       "device": torch.cuda.get_device_name()}
                print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}), flush=True)


if __name__ == "__main__":
    main()

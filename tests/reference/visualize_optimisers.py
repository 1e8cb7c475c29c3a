"""Literal values of PyTorch's NAdam for crates/spolia-interpret/src/visualize/nadam.rs. torch 2.15.

    python tests/reference/visualize_optimisers.py
"""
import torch

p = torch.tensor([1.0, -2.0], dtype=torch.float64)
nadam = torch.optim.NAdam([p], lr=0.1)
for step in range(1, 31):
    p.grad = torch.stack([p[0] ** 2, p[1].sin()])
    nadam.step()
    if step <= 6:
        print(p.tolist())

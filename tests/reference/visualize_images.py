"""Literal values of PyTorch's resampling for crates/spolia-interpret/src/visualize (parametrization/pyramid.rs,
transformation/resample.rs). torch 2.15.

    python tests/reference/visualize_images.py
"""
import torch
from torch.nn.functional import interpolate

small = torch.arange(6, dtype=torch.float64).reshape(1, 1, 2, 3)
print(interpolate(small, size=(3, 5), mode="bilinear", align_corners=False)[0, 0].tolist())
i = torch.arange(144)
image = ((i * i * 7) % 101).double().reshape(1, 1, 12, 12) / 100
print(interpolate(image, size=(5, 5), mode="bilinear", antialias=True)[0, 0, 1:4, 1:4].tolist())

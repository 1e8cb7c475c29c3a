"""Literal values of numpy and scikit-image for crates/spolia-interpret/src/visualize/compare/complexity.rs. numpy 2.4,
scikit-image 0.26.

    python tests/reference/visualize_complexity.py
"""
import numpy as np
from skimage.color import rgb2gray
from skimage.filters import sobel

W, H = 26, 21
y, x, c = np.mgrid[:H, :W, :3]
rgb = ((9 * x + 5 * y + (x * y) % 37 * (c + 1)) % 256).astype(np.uint8)
gray = rgb2gray(rgb)
hann = lambda n: np.sin(np.pi * np.arange(n) / n) ** 2
power = np.abs(np.fft.fft2((gray - gray.mean()) * hann(H)[:, None] * hann(W)[None])) ** 2
f = np.hypot(np.fft.fftfreq(H)[:, None], np.fft.fftfreq(W)[None])
bins = np.floor(f * min(W, H) + 0.5).astype(int)
k = np.arange(1, min(W, H) // 2 + 1)
radial = np.array([power[bins == i].mean() for i in k])
cells = np.bincount((rgb.reshape(-1, 3) >> 5) @ np.array([64, 8, 1]), minlength=512) / (W * H)
print("slope", np.polyfit(np.log(k), np.log(radial), 1)[0])
print("high", power[(bins > 0) & (f > 0.25)].sum() / power[bins > 0].sum())
print("edges", (sobel(gray) > 0.1).mean())
print("entropy", -(cells[cells > 0] * np.log2(cells[cells > 0])).sum())

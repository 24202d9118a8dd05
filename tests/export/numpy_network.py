"""The tiny network written down a second time, in numpy, to be computed in any float."""

from __future__ import annotations

from typing import Any

import numpy as np

SCALE = 1.1
EPSILON = 0.001


def convolution(x: Any, kernel: Any, stride: int) -> Any:
    """[n, H, W, C] with padding SAME."""
    before, after = [], []
    for size, taps in zip(x.shape[1:3], kernel.shape[:2], strict=True):
        total = max((-(-size // stride) - 1) * stride + taps - size, 0)
        before.append(total // 2)
        after.append(total - total // 2)
    padded = np.pad(x, ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], (1, 2))[:, ::stride, ::stride]
    return np.einsum("nhwcij,ijcd->nhwd", windows, kernel)


def logits(variables: dict[str, Any], x: Any, epsilon: float = EPSILON) -> Any:
    x = x * SCALE
    for name, stride in (("conv1", 2), ("conv2", 1)):
        x = convolution(x, variables[f"Tiny/{name}/weights"], stride)
        gamma, beta, mean, variance = (
            variables[f"Tiny/{name}/BatchNorm/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        x = np.maximum((x - mean) / np.sqrt(variance + epsilon) * gamma + beta, 0)
    return x.mean((1, 2)) @ variables["Tiny/logits/weights"][0, 0] + variables["Tiny/logits/biases"]


def in_float64(arrays: dict[str, Any]) -> dict[str, Any]:
    return {name: value.astype(np.float64) for name, value in arrays.items()}

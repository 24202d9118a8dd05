"""Measures runs on a device: time, and on a GPU memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tf2torch import timing


def seconds(device: torch.device, cuda: Any = torch.cuda) -> timing.Clock:
    """A clock for what runs on the device. A GPU works on after a call has returned, so its own events are asked."""
    if device.type != "cuda":
        return timing.wall

    def clock(run: Callable[[], object]) -> float:
        with cuda.device(device):
            began, ended = (cuda.Event(enable_timing=True) for _ in range(2))
            began.record()
            run()
            ended.record()
            ended.synchronize()
        return float(began.elapsed_time(ended)) / 1000  # events count in milliseconds

    return clock


def memory(device: torch.device, module: nn.Module, run: Callable[[], object], cuda: Any = torch.cuda) -> float | None:
    """The most megabytes that the module needs on the GPU while it runs, its weights included; None for a CPU."""
    if device.type != "cuda":
        return None
    weights = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
    cuda.synchronize(device)
    before = cuda.memory_allocated(device)  # by all that is on the GPU: further copies of the network, too
    cuda.reset_peak_memory_stats(device)
    run()
    cuda.synchronize(device)
    return float(round((cuda.max_memory_allocated(device) - before + weights) / 1e6, 1))

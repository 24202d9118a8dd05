"""Where the evaluation runs, and with which arithmetic."""

from __future__ import annotations

import torch

from tf2torch.errors import MachineError, UsageError


def choose(wanted: str) -> torch.device:
    """Auto takes the GPU if there is one. A device that was named and is not there is a MachineError."""
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UsageError(f"Unknown DEVICE={wanted}: it is auto, cpu, cuda or cuda:1 and so on.") from error
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise MachineError(
                f"DEVICE={wanted} was asked for, but PyTorch {torch.__version__} sees {count} GPUs. "
                "`make doctor` tells why; DEVICE=auto or DEVICE=cpu goes on without."
            )
    elif device.type != "cpu":
        raise UsageError(f"DEVICE={wanted} is not supported: it is auto, cpu, cuda or cuda:1 and so on.")
    return device


def exact_arithmetic() -> None:
    """Full float32 on the GPU: TF32 keeps ten bits of the mantissa, and would hide a wrong conversion in its noise."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def describe(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"

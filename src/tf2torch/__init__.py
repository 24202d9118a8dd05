"""TensorFlow 1 networks as PyTorch source. `tf2torch.convert` is the whole road in one process."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tf2torch.api import Conversion as Conversion
    from tf2torch.api import convert as convert

__all__ = ["Conversion", "convert"]


def __getattr__(name: str) -> Any:
    """The two names of the API. They need both frameworks, which nothing else in here does."""
    if name in __all__:
        return getattr(importlib.import_module("tf2torch.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Keras' old layers, of which tf_slim's batch norm is made, where tf_slim and TensorFlow look for them."""

from __future__ import annotations

import importlib
from types import ModuleType


def legacy_layers() -> dict[str, ModuleType]:
    """Modules by the names under which they are looked for; tf_keras carries them one level deeper."""
    return {
        f"tf_keras.{name}": importlib.import_module(f"tf_keras.src.{name}")
        for name in ("legacy_tf_layers", "legacy_tf_layers.normalization")
    }

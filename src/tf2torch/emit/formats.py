"""The files that are made of the source and its weights: .pth, which loads anywhere, .npy and .pt2."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from tf2torch import say
from tf2torch.emit.loading import SKETCH, WEIGHTS

# What an unpickler runs: it makes a module of the source, under a name of its own, and an empty network of its class.
_RESTORE = """\
def restore(code, source, name, label):
    import linecache, sys, types

    if label not in sys.modules:
        file = f"<{label}>"
        module = types.ModuleType(label)
        module.__file__ = file
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), module.__dict__)
        sys.modules[label] = module
    network = getattr(sys.modules[label], name)
    space = "exec(code, space := {}) or space['restore'](code, source, name, label)"
    names = {"code": code, "source": source, "name": name, "label": label}
    network.__reduce__ = lambda self: (eval, (space, dict(names)), self.__dict__)
    return network.__new__(network)
"""


def build(source: Path, products: Path, formats: Collection[str]) -> None:
    """Writes converted_pytorch.pth, and .npy and .pt2 where asked for, from the source and what lies beside it."""
    network = _load(source)
    torch.save(network, products / source.with_suffix(".pth").name)
    if "npy" in formats:
        arrays = {name: value.numpy() for name, value in network.state_dict().items()}
        np.save(products / source.with_suffix(".npy").name, np.array(arrays, dtype=object), allow_pickle=True)
    if "pt2" in formats:
        with say.step("torch.export"):
            torch.export.save(_exported(network, source), products / source.with_suffix(".pt2").name)


def _load(source: Path) -> nn.Module:
    """The network, of a class that pickles together with its source."""
    text = source.read_text(encoding="utf-8")
    name = get_type_hints(_imported(source).load)["return"].__name__
    label = f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    space: dict[str, Any] = {}
    exec(_RESTORE, space)
    restored: nn.Module = space["restore"](_RESTORE, text, name, label)
    restored.__dict__.update(sys.modules[label].load(source.with_name(WEIGHTS)).__dict__)
    return restored


def _imported(source: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(source.stem, source)
    if specification is None or specification.loader is None:
        raise ImportError(f"{source} is no Python source")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _exported(network: nn.Module, source: Path) -> torch.export.ExportedProgram:
    """The network for torch.export, at any batch, and at any size of images where it allows that."""
    recorded = load_file(source.with_name(SKETCH))
    names = sorted(name for name in recorded if name.startswith("input"))
    inputs = tuple(torch.cat([recorded[name]] * 2) for name in names)  # a batch of one would be taken for fixed
    automatic = torch.export.Dim.AUTO
    dynamic = [{0: automatic, **({2: automatic, 3: automatic} if given.dim() == 4 else {})} for given in inputs]
    return torch.export.export(network, inputs, dynamic_shapes=tuple(dynamic))

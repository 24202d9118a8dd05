"""Which TensorFlow tensor each module's output and each parameter of the generated network is, and seen how.

It is read off the graph when the source is emitted, and stands beside it as correspondence.json.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tf2torch import files
from tf2torch.errors import InputError
from tf2torch.ir.types import Kind, Ref
from tf2torch.ir.views import View


@dataclass(frozen=True, slots=True)
class Module:
    """One call of a module, in the order in which they end when the network runs."""

    path: str  # of attributes: mixed_5b.branch_0.conv; empty for the network itself
    class_name: str
    outputs: tuple[Ref | None, ...]  # one for each tensor that it returns; None: TensorFlow has no such tensor
    ops: tuple[str, ...]  # PyTorch's calls within it, in order, without repetitions
    origin: tuple[str, ...]  # TensorFlow nodes within it


@dataclass(frozen=True, slots=True)
class Parameter:
    ref: Ref
    kind: Kind


@dataclass(frozen=True, slots=True)
class Correspondence:
    inputs: tuple[Ref, ...]
    outputs: tuple[Ref, ...]
    modules: tuple[Module, ...]
    parameters: dict[str, Parameter]  # by the key in the state dict


def save(correspondence: Correspondence, path: Path) -> None:
    files.write_text(path, json.dumps(asdict(correspondence), separators=(",", ":")) + "\n")


def load(path: Path) -> Correspondence:
    """Raises InputError if the file is missing or broken."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Correspondence(
            tuple(map(_ref, data["inputs"])),
            tuple(map(_ref, data["outputs"])),
            tuple(
                Module(
                    module["path"],
                    module["class_name"],
                    tuple(ref and _ref(ref) for ref in module["outputs"]),
                    tuple(module["ops"]),
                    tuple(module["origin"]),
                )
                for module in data["modules"]
            ),
            {name: Parameter(_ref(item["ref"]), item["kind"]) for name, item in data["parameters"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path.name} is missing or broken. `make codegen FORCE=1` writes it again.") from error


def _ref(data: dict[str, Any]) -> Ref:
    return Ref(data["tensor"], View.of(data["view"]["steps"]))

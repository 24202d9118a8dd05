"""The file of source: docstring, imports, what it carries of ours, its classes, the network, and how to load it."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tf2torch.emit import loading, support
from tf2torch.emit.code import Uses, literal
from tf2torch.emit.constructor import Constructors
from tf2torch.emit.source import block_init, class_source, forward_lines, input_names
from tf2torch.ir.types import Node, Value
from tf2torch.ops import helpers
from tf2torch.outline.attributes import attributes
from tf2torch.outline.network import Network
from tf2torch.outline.shape import columns, inner_columns, node_columns, weight_columns
from tf2torch.outline.structure import Leaf

WIDTH = 120


def source(network: Network, title: str, preprocessing: str = "") -> str:
    """The whole file, laid out by ruff. `title` is its docstring; the functions `preprocessing` follow the network."""
    uses = Uses()
    uses.modules.add("nn")
    parts = [class_source(known, network.classes, uses) for known in network.classes.values()]
    parts.append(_root(network, uses))
    carried = _carried(uses)
    parts += [*filter(None, [preprocessing]), _ending(network)]
    header = [f'"""{title}\n"""', _imports(carried + parts) + "\n\n" + loading.HEADER]
    return _formatted("\n\n\n".join([*header, *carried, *parts]) + "\n")


def _ending(network: Network) -> str:
    root = network.root
    return loading.source(network.name, network.head, _head_column(network)[0], len(root.inputs), len(root.outputs))


def _root(network: Network, uses: Uses) -> str:
    root = network.root
    texts: list[str] = [literal(column.value) for column in inner_columns(root)]
    constructors = Constructors(network.classes, uses)
    classes, index = _head_column(network)

    def number(position: int) -> str | None:
        return "num_classes" if position == index else None

    argument = f", num_classes: int = {classes}" if index is not None else ""
    lines = [f"class {network.name}(nn.Module):", f"    def __init__(self{argument}) -> None:"]
    lines += [f"        {line}" for line in block_init(root, constructors, number)]
    return "\n".join([*lines, "", *forward_lines(root, _root_inputs(network), texts, uses)])


def _root_inputs(network: Network) -> dict[Value, str]:
    only = network.root.inputs[0].type.shape if len(network.root.inputs) == 1 else None
    if only is not None and len(only) == 4:
        return {network.root.inputs[0]: "images"}
    return input_names(network.root)


def _head_column(network: Network) -> tuple[int | None, int | None]:
    """The number of classes, and which of the root's numbers it is."""
    index = len(weight_columns(network.root))
    for step, attribute in zip(network.root.steps, attributes(network.root), strict=True):
        if isinstance(step.target, Leaf) and attribute == network.head:
            names = [column.name for column in columns(step.target)]
            place = names.index("channels" if "channels" in names else "features")
            value = columns(step.target)[place].value
            return (value, index + place) if isinstance(value, int) else (None, None)
        index += sum(1 for _ in node_columns(step)) if isinstance(step.target, Node) else len(columns(step.target))
    return None, None


def _carried(uses: Uses) -> list[str]:
    """The source of our own functions and classes that the file uses, each after what it needs itself."""
    result: dict[str, str] = {}

    def carry(name: str) -> None:
        text = inspect.getsource(_ours(name)).rstrip()
        for other in ast.walk(ast.parse(text)):
            if isinstance(other, ast.Name) and other.id != name and other.id not in result and _is_ours(other.id):
                carry(other.id)
        result.setdefault(name, text)

    for name in uses.helpers:
        carry(name)
    needs_any = uses.pads_any_shape or any("pad_same(" in text for name, text in result.items() if name != "pad_same")
    if "pad_same" in result and not needs_any:
        short = inspect.getsource(support.pad_same_square).rstrip()
        result["pad_same"] = short.replace("pad_same_square", "pad_same")
    return list(result.values())


def _ours(name: str) -> Any:
    return getattr(helpers, name, None) if hasattr(helpers, name) else getattr(support, name)


def _is_ours(name: str) -> bool:
    for module in (helpers, support):
        found = getattr(module, name, None)
        if getattr(found, "__module__", "") == module.__name__:
            return True
    return False


_IMPORTS: Mapping[str, str] = {
    "math": "import math",
    "sys": "import sys",
    "Path": "from pathlib import Path",
    "Any": "from typing import Any",
    "torch": "import torch",
    "Tensor": "from torch import Tensor",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
}


def _imports(parts: list[str]) -> str:
    """Import statements for every name that the source reads and that is not its own."""
    names = {node.id for part in parts for node in ast.walk(ast.parse(part)) if isinstance(node, ast.Name)}
    wanted = [line for name, line in _IMPORTS.items() if name in names or name == "Path"]
    standard = [line for line in wanted if "torch" not in line]
    others = [line for line in wanted if line not in standard]
    others = [line for line in others if line != _IMPORTS["Tensor"] or _IMPORTS["nn"] not in others]
    joined = [line.replace("import nn", "import Tensor, nn") if line == _IMPORTS["nn"] else line for line in others]
    return "\n".join([*standard, "", *joined])


def _formatted(text: str) -> str:
    """As ruff lays it out."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", f"--line-length={WIDTH}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"generated source is no Python: {done.stderr.strip()}\n{text}")
    return done.stdout

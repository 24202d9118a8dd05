"""What things are called: attributes after the author's scopes, classes after the role that they play."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from functools import cache

from torch import nn

from tf2torch.ir.types import Node, Value
from tf2torch.ops import helpers
from tf2torch.ops.registry import handlers
from tf2torch.outline.structure import Block, Concat, Leaf, Module, Sequential, Step, substeps

LONGEST = 60  # characters of a name; authors have written longer ones
_IN_SOURCE = {"torch", "nn", "math", "sys", "self", "x", "load", *dir(helpers)}
RESERVED = frozenset({*dir(builtins), *keyword.kwlist, *dir(nn.Module()), *_IN_SOURCE})  # what is something else there
RESERVED_CLASSES = frozenset(
    {"F", "Any", "Path", "Tensor", "WEIGHTS", "KitModel", *dir(builtins), *keyword.kwlist}
    | {"Cells", "Concat", "Residual"}
    | {name for n in (1, 2, 3) for name in (f"Conv{n}dSame", f"PaddedConv{n}d", f"MaxPool{n}dSame")}
)
_LAYERS = {"Conv": "conv", "ConvTranspose": "conv", "Linear": "linear", "BatchNorm": "bn", "InstanceNorm": "norm"}


def snake(name: str) -> str:
    """A legal attribute name: letters, digits and underscores alone, whatever the graph calls it."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "_", name, flags=re.ASCII)).lower()
    text = re.sub(r"_+", "_", text)[:LONGEST].strip("_") or "layer"
    text = f"layer_{text}" if text[0].isdigit() else text
    return f"{text}_" if text in RESERVED else text


def camel(name: str) -> str:
    """A legal class name."""
    text = "".join(part[:1].upper() + part[1:] for part in re.split(r"[^a-zA-Z0-9]+", name) if part)[:LONGEST]
    return f"Net{text}" if not text or text[0].isdigit() or text in RESERVED_CLASSES else text


def shown(name: str) -> str:
    """A name of the graph as it may stand in a docstring, which it can neither end nor fill."""
    text = re.sub(r"[^\w ./:-]", "_", name, flags=re.ASCII)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def argument(name: str, child: str, taken: set[str], *, is_tuple: bool = False) -> str:
    """A name that the class does not have yet: of the number; with its place before it, where that is not enough."""
    is_branch = child.startswith("branch")
    candidates = [child] if is_tuple and child else [name]
    if is_branch and name not in ("in_channels", "in_features"):
        candidates = [child, f"{child}_{name}"]
    candidates += [f"{child}_{name}".strip("_")]
    number = 2
    while candidates[0] in taken or candidates[0] in RESERVED:
        candidates.pop(0)
        if not candidates:
            candidates = [f"{name}_{number}"]
            number += 1
    taken.add(candidates[0])
    return candidates[0]


def class_names(modules: Sequence[tuple[Module, list[str], bool]], taken: set[str]) -> list[str]:
    """A name for each class, from one of its modules and what its instances are called. None is given twice.

    The third says whether the class is another one with one more function, which it is then called after.
    """
    wanted = _numbered([_role(module) or _common(module, hints) for module, hints, _ in modules], modules)
    for index, (module, _, is_derived) in enumerate(modules):
        if is_derived and wanted.count(wanted[index]) > 1:
            wanted[index] += _word(substeps(module)[-1]) or ""
    result = []
    for index, name in enumerate(wanted):
        same = [other for other, one in enumerate(wanted) if one == name]
        if len(same) > 1:
            name = f"{name}{_letter(same.index(index))}"
        while name in taken:
            name = f"{name}Module"
        taken.add(name)
        result.append(name)
    return result


def _numbered(wanted: list[str], modules: Sequence[tuple[Module, list[str], bool]]) -> list[str]:
    """The names; where several are equal, with the author's number: Block35 and Block17 for block35_1 and block17_1.

    Not where it only counts: each class has but one instance, or the instances of one class have several numbers.
    """
    result = list(wanted)
    for name in {name for name in wanted if wanted.count(name) > 1}:
        same = [index for index, one in enumerate(wanted) if one == name]
        kinds = [{kind(hint) for hint in modules[index][1]} for index in same]
        counted = all(len(modules[index][1]) == 1 for index in same)
        if not counted and all(len(one) == 1 for one in kinds) and len(set().union(*kinds)) > 1:
            for index, one in zip(same, kinds, strict=True):
                result[index] = camel(one.pop())
    return result


def kind(hint: str) -> str:
    """What the author calls instances that are counted: block17 of block17_3."""
    return re.sub(r"_\d+$", "", snake(hint))


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"{_letter(index // 26 - 1)}{_letter(index % 26)}"


def _role(module: Module) -> str | None:
    """ConvBnRelu: the layers of a block that is one layer and what goes with it."""
    if not isinstance(module, Block) or any(isinstance(step.target, Block) for step in module.steps):
        return None
    words = [_word(step) for step in module.steps]
    if len(words) > 5 or not all(words) or any(len(step.inputs) != 1 for step in module.steps):
        return None
    text = "".join(word or "" for word in words)
    return text.replace("DepthwiseConv", "SeparableConv").replace("PadSame", "")


def _word(step: Step) -> str | None:
    if isinstance(step.target, Node):
        word = step.target.op.rpartition(".")[2]
        return "".join(part.capitalize() for part in word.split("_"))
    if not isinstance(step.target, Leaf):
        return None
    name = step.target.class_name.removeprefix("nn.").removeprefix("Padded").removesuffix("Same")
    if name.startswith("Conv") and step.target.args.get("groups", 1) != 1:
        return "Depthwise"
    kind = re.sub(r"\dd$", "", name)
    return {"Conv": "Conv", "ConvTranspose": "ConvTranspose", "BatchNorm": "Bn", "InstanceNorm": "Norm"}.get(kind, name)


def _common(module: Module, hints: list[str]) -> str:
    """What the names of all instances have in common, without numbers; or what kind of thing it is."""
    stems = {re.sub(r"(_v\d++|_?\d++[a-z]?|_)+$", "", hint) or hint for hint in hints}
    stem = camel(stems.pop()) if len(stems) == 1 else ""
    if re.fullmatch(r"Conv(\dd)?", stem) and len(substeps(module)) == 2:
        stem = "".join(camel(step.name) for step in substeps(module))  # DepthwisePointwise
    if isinstance(module, Concat):
        return "Inception" if stem in ("", "Mixed") else stem
    if stem in ("", "Branch"):
        return "Chain" if isinstance(module, Sequential) else "Unit"
    return stem


def agreed(called: Sequence[str]) -> str:
    """What stands in one place of all instances of a class: the first one's name, but no size that others differ in."""
    rest = {re.sub(r"_?\d+x\d+", "", name) for name in called}
    return rest.pop() if len(set(called)) > 1 and len(rest) == 1 and "" not in rest else called[0]


def called(value: Value) -> str:
    """What the author called a value: its operation, or the scope around one that is called after what it does."""
    parts = value.name.removesuffix(":0").split("/")
    while len(parts) > 1 and re.sub(r"_\d+$", "", parts[-1]).lower() in _operations():
        parts.pop()
    return parts[-1]


@cache
def _operations() -> frozenset[str]:
    """TensorFlow's names of operations as they name themselves: FusedBatchNormV3, and add for AddV2."""
    return frozenset(text for op in handlers() for text in (op.lower(), re.sub(r"v\d+$", "", op.lower())))


def layer(leaf: Leaf) -> str | None:
    """What a layer is called where it stands beside at most one of its kind: conv, bn, linear."""
    if leaf.args.get("groups", 1) != 1:
        return "depthwise"
    return _LAYERS.get(re.sub(r"^(nn\.)?(Padded)?|\dd(Same)?$", "", leaf.class_name))


def weights(block: Block) -> dict[Value, str]:
    """Attributes of the params that functions in a block use."""
    result: dict[Value, str] = {}
    for tensor, value in block.weights.items():
        wanted = snake(tensor.removesuffix(":0").rsplit("/", 1)[-1])
        name, number = wanted, 2
        while name in result.values():
            name, number = f"{wanted}_{number}", number + 1
        result[value] = name
    return result


def network(name: str) -> str:
    """The class of a whole network: InceptionV3, ResnetV1_50."""
    parts = [part for part in re.split(r"[^a-zA-Z0-9]+", name) if part]
    text = ""
    for part in parts:
        text += ("_" if text[-1:].isdigit() and part[0].isdigit() else "") + part[0].upper() + part[1:]
    return f"Net{text}" if not text or text[0].isdigit() or text in RESERVED_CLASSES else text

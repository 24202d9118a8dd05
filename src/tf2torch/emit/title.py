"""What the first lines of a generated file tell: which network, from what, what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tf2torch.ir.types import Graph, Value
from tf2torch.outline import names
from tf2torch.recipe import Recipe

_PREPROCESSING = {
    "inception": "RGB scaled to [-1, 1]",
    "vgg": "RGB 0..255 minus (123.68, 116.78, 103.94)",
}
_LAYOUTS = {
    (0, 3, 1, 2): ("N", "C", "H", "W"),
    (0, 2, 1): ("N", "C", "L"),
    (0, 4, 1, 2, 3): ("N", "C", "D", "H", "W"),
}


@dataclass(frozen=True, slots=True)
class Title:
    recipe: Recipe
    source: Mapping[str, Any]  # what the manifest says of the weights: a seed, or files with checksums
    weights: str  # pretrained, or which random ones

    @property
    def name(self) -> str:
        return self.recipe.name

    def text(self, graph: Graph, trainable: int) -> str:
        """The docstring. `trainable`: how many numbers of the network are trained."""
        lines = [f"{names.shown(self.name)}, {self._origin(graph)}; {trainable:,} trainable parameters.", ""]
        lines += [f"input   {_tensor(value, self._reading(value))}" for value in graph.inputs]
        lines += [f"output  {_tensor(value, self._meaning(value))}" for value in graph.outputs]
        if graph.info.get("batch_norm_decay_source") == "default" and _has_batch_norm(graph):
            lines.append("The momentum of the batch norms is a default: the graph does not hold TensorFlow's decay.")
        return "\n".join(lines)

    def _origin(self, graph: Graph) -> str:
        if self.weights != "pretrained":
            return f"converted from TensorFlow with random weights ({self.weights.removeprefix('random, ')})"
        digests = _digests(self.source)
        name, digest = next(iter(digests.items()), (str(graph.info.get("name", self.name)), ""))
        return f"converted from TensorFlow's {names.shown(name)}" + (f" (sha256 {digest[:12]})" if digest else "")

    def _reading(self, value: Value) -> str:
        is_image = value.type.shape is not None and len(value.type.shape) == 4
        return _PREPROCESSING.get(self.recipe.preprocessing, "") if is_image and self.recipe.says_preprocessing else ""

    def _meaning(self, value: Value) -> str:
        is_classes = value.type.shape is not None and value.type.shape[-1:] == (1001,)
        return "class 0 is the background" if is_classes else ""


def _digests(source: Mapping[str, Any]) -> dict[str, str]:
    """Checksums by file name, wherever the record of the source has them."""
    found: dict[str, str] = {}
    for name, value in source.items():
        if isinstance(value, Mapping):
            found.update(_digests(value))
        elif isinstance(value, str) and len(value) == 64:
            found[str(source.get("name", source.get("file", name)))] = value
    return found


def _has_batch_norm(graph: Graph) -> bool:
    return any(node.op == "F.batch_norm" for node in graph.nodes)


def _tensor(value: Value, note: str) -> str:
    name = names.shown(value.name.removesuffix(":0").rsplit("/", 1)[-1])
    view = value.ref.view.axes if value.ref else None
    shape = value.type.shape
    if shape is None:
        return f"{name} {value.type.dtype}"
    letters = _LAYOUTS.get(view or (), ("N",) if shape[:1] == (None,) else ())
    axes = [_axis(index, size, letters) for index, size in enumerate(shape)]
    sizes = [
        str(size) for index, size in enumerate(shape) if letters[index : index + 1] in (("H",), ("W",), ("D",), ("L",))
    ]
    seen = f" ({' x '.join(sizes)} when converted)" if sizes and "None" not in sizes else ""
    return f"{name} [{', '.join(axes)}] {value.type.dtype}{seen}" + (f", {note}" if note else "")


def _axis(index: int, size: int | None, letters: tuple[str, ...]) -> str:
    letter = letters[index] if index < len(letters) else None
    return letter if letter and letter != "C" else "?" if size is None else str(size)

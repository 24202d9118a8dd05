"""The attributes of modules, and with them the path of everything in the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tf2torch.outline import names
from tf2torch.outline.shape import inner_shape
from tf2torch.outline.structure import Block, Concat, Leaf, Module, Sequential, Step, substeps

if TYPE_CHECKING:
    from tf2torch.outline.classes import Class


def attributes(module: Module) -> list[str | None]:
    """The name of each step's module within a module, in the order of its steps; None for functions."""
    if isinstance(module, (Sequential, Concat)):
        return [str(index) for index in range(len(substeps(module)))]
    if not isinstance(module, Block):
        return []
    taken = set(names.weights(module).values())
    layers = [names.layer(step.target) if isinstance(step.target, Leaf) else None for step in module.steps]
    only_layers = all(not isinstance(step.target, Block) for step in module.steps)
    result: list[str | None] = []
    for step, layer in zip(module.steps, layers, strict=True):
        if step.module is None:
            result.append(None)
            continue
        use_layer = only_layers and layer is not None and layers.count(layer) == 1 and not is_root(module)
        wanted = layer if use_layer and layer else names.snake(step.name)
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        result.append(name)
    return result


def _attributes_of(known: Class) -> list[str | None]:
    """A class that derives from another has its attributes, and one step more, a function."""
    return [*_attributes_of(known.base), None] if known.base else attributes(known.module)


def is_root(block: Block) -> bool:
    return not block.hint


def walk(module: Module, classes: Mapping[str, Class], path: str = "") -> Iterator[tuple[str, Step]]:
    """Every step with a module, with its path; a module after those that it holds, as their calls end."""
    known = classes.get(inner_shape(module))
    named = _attributes_of(known) if known else attributes(module)
    for step, name in zip(substeps(module), named, strict=True):
        if step.module is not None and name is not None:
            inner = f"{path}.{name}" if path else name
            yield from walk(step.module, classes, inner)
            yield inner, step

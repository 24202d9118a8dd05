"""How the layers of any network hang together, read off one run of it: what autograd records.

That needs no source and no tracing, so it is the same for generated networks and for those that others wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

INPUT = -1
Place = tuple[int, ...]  # in the concatenations on the way
Edge = tuple[Place, int]  # where, and the number of a layer, or INPUT


@dataclass(frozen=True, slots=True)
class Layer:
    """One use of some parameters together: a convolution, a linear layer, a norm."""

    keys: tuple[str, ...]  # in the state dict: matrices before vectors, else in the order in which they are used
    shapes: tuple[tuple[int, ...], ...]  # of these, without axes of length 1: a 1 x 1 convolution is a matrix
    before: frozenset[Edge]  # the layers whose results it takes


def layers(network: nn.Module, inputs: Sequence[Tensor]) -> list[Layer]:
    """In the order in which they run. Parameters that are not used are in none."""
    given = [tensor.detach().clone().requires_grad_(tensor.is_floating_point()) for tensor in inputs]
    with _everything_learns(network), torch.enable_grad():
        roots = [tensor.grad_fn for tensor in _tensors(network(*given)) if tensor.grad_fn is not None]
        names: dict[int, str] = {}
        for name, parameter in network.named_parameters():
            names.setdefault(id(parameter), name)
        return _Walk(names, {id(tensor) for tensor in given}).layers(roots)


def squeezed(tensor: Tensor) -> tuple[int, ...]:
    return tuple(length for length in tensor.shape if length != 1)


class _Walk:
    def __init__(self, names: dict[int, str], inputs: set[int]) -> None:
        self._names = names
        self._inputs = inputs
        self._found: list[Layer] = []
        # Of each step: the parameters that nothing has used yet, and the layers that its result is of.
        self._learned: dict[Any, tuple[Tensor, ...]] = {}
        self._frontier: dict[Any, frozenset[Edge]] = {}

    def layers(self, roots: Sequence[Any]) -> list[Layer]:
        for step in _in_order(roots):
            self._take(step)
        return self._found

    def _take(self, step: Any) -> None:
        if hasattr(step, "variable"):  # a leaf
            is_input = id(step.variable) in self._inputs
            self._frontier[step] = frozenset({((), INPUT)}) if is_input else frozenset()
            self._learned[step] = (step.variable,) if id(step.variable) in self._names else ()
            return
        sources = [source for source, _ in step.next_functions if source is not None]
        learned = tuple(tensor for source in sources for tensor in self._learned[source])
        is_concatenation = step.name().startswith(("CatBackward", "StackBackward"))
        frontier = frozenset(
            ((index, *place) if is_concatenation else place, number)
            for index, source in enumerate(sources)
            for place, number in self._frontier[source]
        )
        if learned and frontier:  # here the parameters meet what comes from the input
            self._found.append(self._layer(learned, frontier))
            learned, frontier = (), frozenset({((), len(self._found) - 1)})
        self._learned[step], self._frontier[step] = learned, frontier

    def _layer(self, learned: Sequence[Tensor], frontier: frozenset[Edge]) -> Layer:
        ordered = sorted(dict.fromkeys(learned), key=lambda tensor: -len(squeezed(tensor)))
        return Layer(tuple(self._names[id(each)] for each in ordered), tuple(map(squeezed, ordered)), frontier)


def _in_order(roots: Sequence[Any]) -> list[Any]:
    """Every step that the roots come from, leaves first, then in the order in which they ran."""
    found: dict[Any, int] = {}
    waiting = list(roots)
    while waiting:
        step = waiting.pop()
        if step not in found:
            found[step] = -1 if hasattr(step, "variable") else step._sequence_nr()
            waiting.extend(source for source, _ in step.next_functions if source is not None)
    return sorted(found, key=found.__getitem__)


@contextmanager
def _everything_learns(network: nn.Module) -> Iterator[None]:
    """A fixed parameter is a part of its layer, too."""
    before = {name: parameter.requires_grad for name, parameter in network.named_parameters()}
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    try:
        yield
    finally:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(before[name])


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, dict):
        result = list(result.values())
    return [tensor for each in result for tensor in _tensors(each)] if isinstance(result, (list, tuple)) else []

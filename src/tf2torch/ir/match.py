"""Finds small graphs of ops within a graph, and puts one node in the place of each.

    x, mean = anything(), weight()
    centred = op("Sub", x, mean)
    rewrite(graph, (op("Mul", centred, centred), lambda match: match.merged("square_of_difference", x, mean)))

A pattern that occurs twice, here `centred`, must be one and the same value. Both operands of ops that commute are
tried in either order. What is replaced must have no other use: a value that somebody else reads stays computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from types import EllipsisType, MappingProxyType
from typing import Any

import numpy as np

from tf2torch.ir.types import Attr, Graph, Node, Scope, Value
from tf2torch.numerals import shortest
from tf2torch.ops.expr import Call, Var

COMMUTATIVE = frozenset({"Add", "AddV2", "Mul", "Maximum", "Minimum", "SquaredDifference"})
_SAME = 2e-6  # how far a float32 constant may be from the number that its author meant, relative to it


@dataclass(frozen=True, eq=False)
class Index:
    """A graph with what a search needs to ask it."""

    graph: Graph

    @cached_property
    def producers(self) -> dict[Value, Node]:
        return self.graph.producers()

    @cached_property
    def users(self) -> dict[Value, list[Node]]:
        return self.graph.users()

    @cached_property
    def positions(self) -> dict[Node, int]:
        return {node: position for position, node in enumerate(self.graph.nodes)}

    @cached_property
    def kept(self) -> frozenset[Value]:
        """Values that stay whoever reads them: the outputs, and those whose sizes attributes mention."""
        sizes = (value for node in self.graph.nodes for value in mentioned(node.attrs))
        return frozenset((*self.graph.outputs, *sizes))

    def constant(self, value: Value) -> float | None:
        """The number that a value is: a constant all of whose elements are the same."""
        array = self.array(value)
        if array is None or array.size == 0 or array.dtype.kind not in "fiu" or not (array == array.flat[0]).all():
            return None
        return shortest(array.flat[0])

    def array(self, value: Value) -> np.ndarray[Any, Any] | None:
        """The elements of a constant."""
        node = self.producers.get(value)
        return np.asarray(node.attrs["value"]) if node is not None and node.op == "Const" else None


Test = Callable[[Index, Value], bool]


@dataclass(frozen=True, eq=False, slots=True)
class Pattern:
    """What a value must be. Its identity is the object: a match is asked for the value of a pattern."""

    ops: tuple[str, ...] = ()  # empty: it need not be computed by a node, and stays where it is
    inputs: tuple[Pattern, ...] = ()
    choices: tuple[Pattern, ...] = ()
    test: Test | None = None
    is_open: bool = False  # whether there may be more inputs than these


def anything(test: Test | None = None) -> Pattern:
    """Any value that passes a test. It is no part of what is replaced."""
    return Pattern(test=test)


def weight() -> Pattern:
    """A param."""
    return anything(lambda index, value: value in index.graph.params)


def number(*wanted: float) -> Pattern:
    """A constant of rank 0 that is one of these numbers; without any, whichever number."""

    def test(index: Index, value: Value) -> bool:
        found = None if value.type.shape else index.constant(value)
        return found is not None and (not wanted or any(abs(found - n) <= _SAME * abs(n) for n in wanted))

    return anything(test)


def op(names: str, *inputs: Pattern | EllipsisType, test: Test | None = None) -> Pattern:
    """The first output of one of the named ops ("Add|AddV2"). `...` at the end stands for any further inputs."""
    patterns = tuple(pattern for pattern in inputs if isinstance(pattern, Pattern))
    return Pattern(tuple(names.split("|")), patterns, test=test, is_open=... in inputs)


def either(*choices: Pattern) -> Pattern:
    return Pattern(choices=choices)


def add(a: Pattern, b: Pattern) -> Pattern:
    return op("Add|AddV2", a, b)


def mul(a: Pattern, b: Pattern) -> Pattern:
    return op("Mul", a, b)


@dataclass(frozen=True, eq=False, slots=True)
class Match:
    """Where a pattern was found. Indexed by a pattern it gives its value."""

    index: Index
    values: Mapping[Pattern, Value]
    nodes: tuple[Node, ...]  # those to be replaced, in the graph's order; the last is the one that gives the result

    def __getitem__(self, pattern: Pattern) -> Value:
        return self.values[pattern]

    def __contains__(self, pattern: Pattern) -> bool:
        return pattern in self.values

    def node(self, pattern: Pattern) -> Node:
        return self.index.producers[self.values[pattern]]

    def number(self, pattern: Pattern) -> float:
        """The number that a `number()` is."""
        found = self.index.constant(self.values[pattern])
        assert found is not None, "only a number() is a number"
        return found

    def merged(
        self, op: str, *inputs: Pattern | Value, attrs: Mapping[str, Attr] | None = None, scope: Scope | None = None
    ) -> Node:
        """One node for all: it computes the first output of the last one, and stands in its scope unless told."""
        values = tuple(self.values[item] if isinstance(item, Pattern) else item for item in inputs)
        origin = tuple(dict.fromkeys(name for node in self.nodes for name in node.origin))
        last = self.nodes[-1]
        frozen = MappingProxyType(dict(attrs or {}))
        return Node(op, values, last.outputs[:1], frozen, last.scope if scope is None else scope, origin)


Rule = tuple[Pattern, Callable[[Match], Node | None]]  # None: not here


def rewrite(graph: Graph, *rules: Rule) -> Graph:
    """Replaces what the rules match, until nothing matches, and drops what nobody reads any more.

    Of matches within each other the one that ends last wins, and of rules the first. A rule must not match what it
    made itself.
    """
    while True:
        replaced, gone = _sweep(graph, rules)
        if not replaced:
            return graph
        graph = without_dead(graph.with_nodes([replaced.get(node, node) for node in graph.nodes if node not in gone]))


def find(index: Index, pattern: Pattern, root: Node) -> Match | None:
    """The match of a pattern whose result is the first output of `root`."""
    for values in _bind(index, pattern, root.outputs[0], {}):
        inner = {index.producers[value] for part, value in values.items() if part.ops}
        if _is_closed(index, inner, root):
            return Match(index, values, tuple(sorted(inner, key=index.positions.__getitem__)))
    return None


def mentioned(attr: Attr) -> Iterator[Value]:
    """The values whose sizes occur in attributes."""
    match attr:
        case Var(value):
            yield value
        case Call(_, args, kwargs):
            yield from mentioned((args, kwargs))
        case tuple() | list():
            for item in attr:
                yield from mentioned(item)
        case Mapping():
            yield from mentioned(tuple(attr.values()))


def without_dead(graph: Graph) -> Graph:
    """Without the nodes that nobody reads. Params stay: the network has them, be they read or not."""
    needed, kept = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            kept.append(node)
            needed.update(node.inputs, mentioned(node.attrs))
    return graph.with_nodes(reversed(kept))


def _sweep(graph: Graph, rules: Sequence[Rule]) -> tuple[dict[Node, Node], set[Node]]:
    """New nodes by the node whose place they take, and the nodes that go without replacement."""
    index, taken = Index(graph), set[Node]()
    replaced: dict[Node, Node] = {}
    gone: set[Node] = set()
    for root in reversed(graph.nodes):
        for pattern, build in rules:
            match = find(index, pattern, root) if root.outputs else None
            if match is None or not taken.isdisjoint(match.nodes):
                continue
            made = build(match)
            if made is not None:
                replaced[root] = made
                gone.update(match.nodes[:-1])
                taken.update(match.nodes)
                break
    return replaced, gone


def _bind(index: Index, pattern: Pattern, value: Value, bound: dict[Pattern, Value]) -> Iterator[dict[Pattern, Value]]:
    """Every way in which `value` and what it is computed from are the pattern, given what is bound already."""
    if pattern in bound:
        if bound[pattern] is value:
            yield bound
        return
    node = index.producers.get(value)
    if pattern.ops and (node is None or node.op not in pattern.ops or node.outputs[0] is not value):
        return
    if pattern.test is not None and not pattern.test(index, value):
        return
    bound = {**bound, pattern: value}
    if pattern.choices:
        for choice in pattern.choices:
            yield from _bind(index, choice, value, bound)
    elif node is not None and pattern.ops:
        yield from _bind_inputs(index, pattern, node, bound)
    else:
        yield bound


def _bind_inputs(
    index: Index, pattern: Pattern, node: Node, bound: dict[Pattern, Value]
) -> Iterator[dict[Pattern, Value]]:
    given = node.inputs[: len(pattern.inputs)] if pattern.is_open else node.inputs
    if len(pattern.inputs) != len(given):
        return
    orders = permutations(given) if node.op in COMMUTATIVE else iter([given])
    for order in orders:
        partial = [bound]
        for part, value in zip(pattern.inputs, order, strict=True):
            partial = [longer for shorter in partial for longer in _bind(index, part, value, shorter)]
        yield from partial


def _is_closed(index: Index, inner: set[Node], root: Node) -> bool:
    """Whether nobody outside reads what the nodes compute, but for the first output of the root."""
    values = (value for node in inner for value in node.outputs if value is not root.outputs[0])
    return all(value not in index.kept and inner.issuperset(index.users.get(value, ())) for value in values)

"""Which layer of one network is which of another: by shape and by what comes before and after, then by name."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from tf2torch.onto.wiring import INPUT, Layer

Colours = list[int]
_NEAR = 2  # layers away


def match(ours: Sequence[Layer], theirs: Sequence[Layer]) -> dict[int, int]:
    """The number of each of our layers -> that of theirs; some of either may be in no pair.

    Layers are alike whose whole past and future is; then, where the networks differ, whose past and neighbours are, or
    whose future is; at last whose shapes are. Of several that are alike the one whose neighbours are paired
    already, whose name is the most similar, and that runs as early.
    """
    both = (_Wired(ours, theirs), _Wired(theirs, ours))
    number: dict[Hashable, int] = {}
    pasts, futures, nears, labels = (
        [step(wired, number) for wired in both] for step in (_past, _future, _near, _labels)
    )
    pairs: dict[int, int] = {}
    for level in ((pasts, futures), (pasts, nears), (pasts,), (futures, nears), (futures,), (nears,), (labels,)):
        groups: list[dict[tuple[int, ...], list[int]]] = []
        for side, taken in ((0, pairs.keys()), (1, set(pairs.values()))):
            found: dict[tuple[int, ...], list[int]] = defaultdict(list)
            for index in both[side].comparable:
                if index not in taken:
                    found[tuple(colours[side][index] for colours in level)].append(index)
            groups.append(found)
        for colour, members in groups[0].items():
            candidates = groups[1].get(colour, [])
            if len(candidates) == len(members):
                _pair(members, candidates, both, pairs)
    return pairs


class _Wired:
    """Layers of one network with their users; a shape that the other network has not is like any other such."""

    def __init__(self, layers: Sequence[Layer], other: Sequence[Layer]) -> None:
        known = {layer.shapes for layer in other}
        self.layers = layers
        self.labels: list[Hashable] = [layer.shapes if layer.shapes in known else None for layer in layers]
        self.comparable = [index for index, label in enumerate(self.labels) if label is not None]
        self.users: list[list[tuple[Hashable, int]]] = [[] for _ in layers]
        for index, layer in enumerate(layers):
            for place, source in layer.before:
                if source != INPUT:
                    self.users[source].append((place, index))


Step = Callable[[_Wired, dict[Hashable, int]], Colours]


def _number(key: Hashable, known: dict[Hashable, int]) -> int:
    return known.setdefault(key, len(known))


def _labels(wired: _Wired, known: dict[Hashable, int]) -> Colours:
    return [_number(("label", label), known) for label in wired.labels]


def _past(wired: _Wired, known: dict[Hashable, int]) -> Colours:
    colours: Colours = []
    for label, layer in zip(wired.labels, wired.layers, strict=True):
        before = sorted((place, INPUT if source == INPUT else colours[source]) for place, source in layer.before)
        colours.append(_number(("past", label, tuple(before)), known))
    return colours


def _future(wired: _Wired, known: dict[Hashable, int]) -> Colours:
    colours: Colours = [0] * len(wired.layers)
    for index in reversed(range(len(wired.layers))):
        after = sorted((place, colours[user]) for place, user in wired.users[index])
        colours[index] = _number(("future", wired.labels[index], tuple(after)), known)
    return colours


def _near(wired: _Wired, known: dict[Hashable, int]) -> Colours:
    colours = _labels(wired, known)
    for _ in range(_NEAR):
        colours = [
            _number(
                (
                    "near",
                    colours[index],
                    tuple(
                        sorted((place, -1 if source == INPUT else colours[source]) for place, source in layer.before)
                    ),
                    tuple(sorted((place, colours[user]) for place, user in wired.users[index])),
                ),
                known,
            )
            for index, layer in enumerate(wired.layers)
        ]
    return colours


def _pair(members: list[int], candidates: list[int], both: tuple[_Wired, _Wired], pairs: dict[int, int]) -> None:
    """Adds the pairs of two groups of layers that are alike."""
    left = list(candidates)
    for member in members:
        best = max(left, key=lambda candidate: (*_likeness(member, candidate, both, pairs), -left.index(candidate)))
        left.remove(best)
        pairs[member] = best


def _likeness(ours: int, theirs: int, both: tuple[_Wired, _Wired], pairs: dict[int, int]) -> tuple[int, float]:
    """How many of the neighbours are pairs, and how alike the names are."""
    mine, other = both
    before = {pairs.get(source) for _, source in mine.layers[ours].before}
    after = {pairs.get(user) for _, user in mine.users[ours]}
    common = before & {source for _, source in other.layers[theirs].before}
    common_after = after & {user for _, user in other.users[theirs]}
    names = difflib.SequenceMatcher(None, mine.layers[ours].keys[0], other.layers[theirs].keys[0]).ratio()
    return len(common) + len(common_after), names

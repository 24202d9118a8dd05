"""StridedSlice in another order of axes: its masks and lists say what they say axis by axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tf2torch.ir.types import Attr

LISTS = ("begin", "end", "strides")


class _Entry(NamedTuple):
    begin: Any
    end: Any
    stride: Any
    begins: bool  # at the axis' own begin, whatever `begin` says
    ends: bool
    shrinks: bool


_ALL = _Entry(0, 0, 1, True, True, False)


def reordered(attrs: Mapping[str, Attr], axes: tuple[int, ...]) -> tuple[dict[str, Attr], set[int]] | None:
    """The attributes for a tensor that stands in the order `axes`, and which of TensorFlow's axes they take away.

    None for a slice that adds axes, or whose bounds are computed.
    """
    if attrs.get("new_axis_mask", 0) or any(name not in attrs for name in LISTS):
        return None
    entries = _entries(attrs, len(axes))
    if len(entries) != len(axes):
        return None
    order = [entries[axis] for axis in axes]
    changed: dict[str, Attr] = {
        "begin": tuple(entry.begin for entry in order),
        "end": tuple(entry.end for entry in order),
        "strides": tuple(entry.stride for entry in order),
        "begin_mask": _mask(entry.begins for entry in order),
        "end_mask": _mask(entry.ends for entry in order),
        "shrink_axis_mask": _mask(entry.shrinks for entry in order),
        "ellipsis_mask": 0,
    }
    return changed, {axis for axis, entry in enumerate(entries) if entry.shrinks}


def _entries(attrs: Mapping[str, Attr], rank: int) -> list[_Entry]:
    """One entry for each axis."""
    count = len(attrs["begin"])
    entries: list[_Entry] = []
    for place, (begin, end, stride) in enumerate(zip(*(attrs[name] for name in LISTS), strict=True)):
        if attrs.get("ellipsis_mask", 0) >> place & 1:
            entries += [_ALL] * (rank - count + 1)
        else:
            masks = (attrs.get(name, 0) for name in ("begin_mask", "end_mask", "shrink_axis_mask"))
            entries.append(_Entry(begin, end, stride, *(bool(mask >> place & 1) for mask in masks)))
    return entries + [_ALL] * (rank - len(entries))


def _mask(bits: Any) -> int:
    return sum(1 << place for place, bit in enumerate(bits) if bit)

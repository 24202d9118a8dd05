"""Channels in groups: reshapes that split the last axis of an image, and join it again."""

from __future__ import annotations

import math

from tf2torch.ir.types import Shape

_IMAGE = 3  # axes of the smallest image: batch, width, channels


def splits(whole: Shape, grouped: Shape) -> bool:
    """Whether a reshape of `whole` to `grouped` splits its last axis and leaves the others as they are.

    The sizes before it must be the same. One of them may be unknown: that the elements are as many tells it.
    """
    place = len(whole) - 1
    channels, groups = whole[-1:], grouped[place:]
    return (
        len(grouped) > len(whole) >= _IMAGE
        and whole[:place] == grouped[:place]
        and whole[:place].count(None) <= 1
        and None not in groups
        and channels == (math.prod(n for n in groups if n is not None),)
    )


def groups_first(rank: int, place: int) -> tuple[int, ...]:
    """The order of axes in which the groups, TensorFlow's axes from `place` on, stand where channels do."""
    return (0, *range(place, rank), *range(1, place))

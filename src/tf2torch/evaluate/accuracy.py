"""The user's images, any number of them: whether both sides give the same, and how many each names rightly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tf2torch.bundle import FloatArray, Reference, best
from tf2torch.evaluate.network import Array

Row = dict[str, Any]
SIDES = ("tensorflow", "pytorch")


class Tally:
    """What has come of the images so far. It is given the outputs batch by batch, and keeps sums and maxima alone."""

    def __init__(self, reference: Reference, label_offset: int) -> None:
        self.reference = reference
        self.labels = np.array(reference.labels, np.int64) - label_offset
        self.classes = reference.outputs.shape[1]
        self.seen = 0
        self.shape: tuple[int, ...] = (self.classes,)  # of an output
        self.same = 0
        self.hits = {side: np.zeros(2, np.int64) for side in SIDES}
        self.difference = self.scale = 0.0

    def add(self, outputs: FloatArray, start: int) -> None:
        """Of the images from `start` on, a row for each. In another shape they are counted, and fail."""
        stop = start + len(outputs)
        self.seen += len(outputs)
        self.shape = outputs.shape[1:]
        if outputs.size != len(outputs) * self.classes:
            return
        ours = outputs.reshape(len(outputs), self.classes)
        self._compare(ours, start, stop)
        orders = dict(zip(SIDES, (self.reference.best(start, stop), best(ours)), strict=True))
        self.same += int((orders["tensorflow"][:, 0] == ours.argmax(1)).sum())
        for side, order in orders.items():
            found = order == self.labels[start:stop, None]
            self.hits[side] += (found[:, 0].sum(), found.any(1).sum())

    def _largest(self, difference: float, scale: float) -> None:
        """Keeps what is no number."""
        self.difference = float(np.maximum(self.difference, difference))
        self.scale = float(np.maximum(self.scale, scale))

    def _compare(self, ours: Array, start: int, stop: int) -> None:
        """Of the first images every output, of the later ones those that are TensorFlow's largest."""
        reference = self.reference
        known = len(reference.image_outputs)
        whole = reference.image_outputs[start:stop]
        later = slice(max(start - known, 0), max(stop - known, 0))
        mine = np.take_along_axis(ours[len(whole) :], reference.later_classes[later], 1)
        pairs = (ours[: len(whole)], whole), (mine, reference.later_outputs[later])
        for our_part, their_part in pairs:
            with np.errstate(invalid="ignore"):  # infinity less infinity
                difference = np.abs(our_part.astype(np.float64) - their_part).max(initial=0)
            self._largest(difference, np.abs(their_part).max(initial=0))

    def row(self, tolerance: float) -> Row:
        """The comparison of all that was given."""
        wanted = (len(self.labels), self.classes)
        if (self.seen, *self.shape) != wanted:
            return wrong_shape((self.seen, *self.shape), wanted)
        error = self.difference / self.scale if self.scale else self.difference
        finite = bool(np.isfinite(error))
        passed = finite and error <= tolerance and self.same == len(self.labels)
        row = {"passed": passed, "error": error if finite else None}
        return {**row, "same_top1": self.same, "count": len(self.labels)}

    def accuracy(self) -> Row | None:
        """How many images each side names rightly, in top-1 and top-5; None if the model gives something else."""
        if self.seen != len(self.labels) or np.prod(self.shape) != self.classes:
            return None
        hits = {side: {f"top{k}": int(n) for k, n in zip((1, 5), self.hits[side], strict=True)} for side in SIDES}
        return {"images": len(self.labels), **hits}


def wrong_shape(shape: Sequence[int], wanted: Sequence[int]) -> Row:
    return {"passed": False, "error": None, "shape": list(shape), "wanted_shape": list(wanted)}

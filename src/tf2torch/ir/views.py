"""Views: how a PyTorch tensor is a TensorFlow tensor, rearranged. Works on numpy arrays and on torch tensors alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Permute:
    """Axis i of the result is axis `axes[i]` of the source."""

    axes: tuple[int, ...]

    def apply(self, array: Any) -> Any:
        return array.permute(self.axes) if hasattr(array, "permute") else array.transpose(self.axes)

    def inverse(self) -> Permute:
        return Permute(tuple(self.axes.index(axis) for axis in range(len(self.axes))))


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in the same order. Each shape has at most one -1, for an axis of unknown length."""

    source: tuple[int, ...]
    target: tuple[int, ...]

    def apply(self, array: Any) -> Any:
        return array.reshape(self.target)

    def inverse(self) -> Reshape:
        return Reshape(self.target, self.source)


Step = Permute | Reshape


@dataclass(frozen=True, slots=True)
class View:
    """An invertible rearrangement: its steps, one after the other. `view.apply(tensorflow_array) == torch_tensor`."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, steps: Iterable[Mapping[str, Sequence[int]]]) -> View:
        """The view of whose steps `dataclasses.asdict` has made these data."""
        return cls(
            tuple(
                Permute(tuple(step["axes"]))
                if "axes" in step
                else Reshape(tuple(step["source"]), tuple(step["target"]))
                for step in steps
            )
        )

    def apply(self, array: Any) -> Any:
        for step in self.steps:
            array = step.apply(array)
        return array

    def inverse(self) -> View:
        return View(tuple(step.inverse() for step in reversed(self.steps)))

    def permute(self, axes: Sequence[int]) -> View:
        """Appends a permutation. Neighbouring ones become one, and one that moves nothing none."""
        axes, steps = tuple(axes), self.steps
        if steps and isinstance(steps[-1], Permute):
            axes, steps = tuple(steps[-1].axes[axis] for axis in axes), steps[:-1]
        return View(steps if axes == tuple(range(len(axes))) else (*steps, Permute(axes)))

    def reshape(self, source: Sequence[int], target: Sequence[int]) -> View:
        """Appends a reshape of what has the shape `source` to `target`."""
        return View((*self.steps, Reshape(tuple(source), tuple(target))))

    @property
    def axes(self) -> tuple[int, ...] | None:
        """The permutation that this view is, if it is no more than that; None for the identity and for reshapes."""
        match self.steps:
            case (Permute(axes),):
                return axes
        return None


IDENTITY = View()

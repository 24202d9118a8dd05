"""The variables of a checkpoint, of either version, under the names that the network has for them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tf2torch import prefix as prefixes
from tf2torch.errors import InputError
from tf2torch.export.tensorflow import tf

AVERAGE = "/ExponentialMovingAverage"  # what TensorFlow appends to the name of a variable
# What optimizers keep beside the weights, and counters: no part of any network.
_SLOT = re.compile(
    r"(^|/)(Momentum|RMSProp|Adam|Adagrad|Adadelta|Ftrl|AdaMax|LAMB|LARS)(_\d+)?$"
    r"|(^|/)(global_step|beta[12]_power(_\d+)?|learning_rate|save_counter|_CHECKPOINTABLE_OBJECT_GRAPH)(/|$)"
)


class Stored:
    """An open checkpoint. `shapes` has those that a network may want, by its name for them; no optimizer's slots.

    label: what to call it. remedy: what to do if it is damaged. scope_map: its scopes to those of the network.
    averages: give the moving average of each variable that has one.
    """

    def __init__(
        self, prefix: Path, label: str, remedy: str, scope_map: Mapping[str, str], *, averages: bool = False
    ) -> None:
        """Raises InputError if it is incomplete or damaged, or has no such scopes or averages."""
        self.label = label
        self._remedy = remedy
        if prefix.is_dir():
            raise InputError(f"{label} is a folder without a file `checkpoint` that names one.")
        if not prefixes.values(prefix):
            missing = "not all of its .data-* files are" if prefixes.is_checkpoint(prefix) else "it is not"
            raise InputError(f"{label} cannot be read: {missing} there.")
        try:
            self._reader = tf.train.NewCheckpointReader(str(prefix))
            stored: dict[str, list[int]] = self._reader.get_variable_to_shape_map()
        except _DAMAGED as error:
            raise self._damaged(error) from error
        self._names = self._renamed([name for name in sorted(stored) if not _SLOT.search(name)], scope_map)
        self.averages = {} if averages else self._averages()  # that are there, but not asked for
        if averages:
            self._take_averages()
        self.shapes = {name: stored[theirs] for name, theirs in self._names.items()}

    def values(self, dtypes: Mapping[str, Any]) -> dict[str, Any]:
        """The arrays of these variables in numpy's `dtypes`, by name.

        Raises InputError if they are damaged, or of another kind: floats for floats, integers for integers.
        """
        try:
            found = {name: self._reader.get_tensor(self._names[name]) for name in dtypes}
        except _DAMAGED as error:
            raise self._damaged(error) from error
        kinds = {name: (_is_float(found[name].dtype), _is_float(dtypes[name])) for name in found}
        if wrong := [name for name, (theirs, ours) in kinds.items() if theirs != ours]:
            first, more = wrong[0], f", and {len(wrong) - 1} more such" if len(wrong) > 1 else ""
            raise InputError(
                f"{self.label} has {found[first].dtype} for {first}, which is {np.dtype(dtypes[first])} in the network"
                f"{more}. It is of another one."
            )
        return {name: array.astype(dtypes[name], copy=False) for name, array in found.items()}

    def surplus(self, known: Iterable[str]) -> list[str]:
        """Those that a network of these variables has no use for. A moving average is no more than its variable."""
        ours = {*known}
        beside = ours | self.shapes.keys()
        averages = {f"{name}{AVERAGE}" for name in beside}
        return [name for name in self.shapes if name not in ours and name not in averages]

    def _averages(self) -> dict[str, str]:
        return {name.removesuffix(AVERAGE): theirs for name, theirs in self._names.items() if name.endswith(AVERAGE)}

    def _take_averages(self) -> None:
        averages = self._averages()
        if not averages:
            raise InputError(f"EMA=1: {self.label} holds no moving averages, no .../ExponentialMovingAverage.")
        self._names = {name: theirs for name, theirs in self._names.items() if not name.endswith(AVERAGE)} | averages

    def _renamed(self, stored: list[str], scope_map: Mapping[str, str]) -> dict[str, str]:
        """Name in the network -> name in the checkpoint."""
        for theirs in scope_map:
            if not any(_is_in(name, theirs) for name in stored):
                scopes = sorted({"/".join(name.split("/")[:depth]) for name in stored for depth in (1, 2, 3)})
                near = difflib.get_close_matches(theirs, scopes, n=1) or [scope for scope in scopes if "/" not in scope]
                raise InputError(f"SCOPE_MAP: {self.label} has no scope {theirs}. It has {', '.join(near[:5])}.")
        names: dict[str, str] = {}
        for theirs in stored:
            ours = rename(theirs, scope_map)
            if ours in names:
                raise InputError(f"SCOPE_MAP: both {names[ours]} and {theirs} of {self.label} would be {ours}.")
            names[ours] = theirs
        return names

    def _damaged(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0][:200]
        return InputError(
            f"{self.label} cannot be read ({reason}). It is truncated or not a checkpoint: {self._remedy}."
        )


_DAMAGED = (tf.errors.OpError, ValueError, RuntimeError, IndexError)


def _is_float(dtype: Any) -> bool:
    return bool(tf.as_dtype(dtype).is_floating)


def rename(name: str, scope_map: Mapping[str, str]) -> str:
    """The name with the longest scope of the map that it is in replaced; whole components alone count."""
    for theirs in sorted(scope_map, key=len, reverse=True):
        if _is_in(name, theirs):
            rest = name.removeprefix(theirs).strip("/")
            return "/".join(filter(None, (scope_map[theirs], rest)))
    return name


def _is_in(name: str, scope: str) -> bool:
    return not scope or name == scope or name.startswith(f"{scope}/")

"""Module by module: what each computes against TensorFlow's tensor, and which is the first to differ."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tf2torch.bundle import relative_error
from tf2torch.details import Sketch
from tf2torch.errors import ParityError
from tf2torch.evaluate import hints
from tf2torch.evaluate.network import Array, first_line
from tf2torch.ir.correspondence import Correspondence, Module
from tf2torch.ir.types import Ref
from tf2torch.ops import registry

Row = dict[str, Any]
Ended = Callable[[Module, object], object]  # takes what a call has returned, and gives what it is to return instead
# Within the block, every call of a module that the correspondence knows is handed over when it ends, in that order.
Watching = Callable[[nn.Module, Correspondence, Ended], AbstractContextManager[None]]

SHOWN = 5  # nodes of a module in the report
OTHER = "other"  # family of operations that none is known for


@contextlib.contextmanager
def by_hooks(model: nn.Module, correspondence: Correspondence, ended: Ended) -> Iterator[None]:
    """Of a network whose modules are nn.Modules, under the paths that the correspondence has.

    Raises ParityError if one of them is not there.
    """
    pending: dict[nn.Module, deque[Module]] = defaultdict(deque)
    for called in correspondence.modules:
        try:
            pending[model.get_submodule(called.path)].append(called)
        except AttributeError as error:
            raise ParityError(
                f"The network has no module {called.path}, of which correspondence.json speaks. "
                "`make convert FROM=codegen` makes both anew."
            ) from error

    def hook(module: nn.Module, args: object, output: object) -> object:  # noqa: ARG001  # torch's signature
        # One call more than the graph has is no call of ours: what it does shows in the module around it.
        return ended(pending[module].popleft(), output) if pending[module] else output

    handles = [module.register_forward_hook(hook) for module in pending]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def modules(
    model: nn.Module,
    run: Callable[[], object],
    correspondence: Correspondence,
    sketches: Mapping[str, Sketch],
    ops: Mapping[str, str],
    *,
    watching: Watching = by_hooks,
    by_itself: bool = False,
) -> dict[str, Any]:
    """Compares every output of every call of a module while `run` runs the model on the inputs of the sketches.

    The rows are in the order in which the calls end, so that the first that does not pass is where it begins. `ops`
    are those of TensorFlow's nodes; watching says how to get at what the modules give. by_itself: what a module returns
    is then replaced by TensorFlow's own tensor, where that is known whole, so that whatever comes after it is fed with
    what is right, and fails for its own faults alone.
    """
    watch = _Watch(sketches, ops, correspondence, replaces=by_itself)
    stopped = None
    with watching(model, correspondence, watch.ended):
        try:
            run()
        except RuntimeError as error:  # how far it came is the more interesting
            stopped = first_line(error)
    rows = watch.rows + watch.missing()
    compared = [row for row in rows if row["passed"] is not None]
    return {
        "passed": bool(compared) and all(row["passed"] for row in compared),
        "stopped": stopped,
        "compared": len(compared),
        "first_diverging": next((row for row in compared if not row["passed"]), None),
        "rows": rows,
    }


class _Watch:
    """What modules return against what TensorFlow has there, and what has come of it so far."""

    def __init__(
        self,
        sketches: Mapping[str, Sketch],
        ops: Mapping[str, str],
        correspondence: Correspondence,
        *,
        replaces: bool,
    ) -> None:
        self.sketches = sketches
        self.ops = ops
        self.replaces = replaces
        self.rows: list[Row] = []
        self.calls: Counter[str] = Counter()
        self.left = {id(called): called for called in correspondence.modules}
        self.right: list[Module] = []  # those of which every output agrees

    def missing(self) -> list[Row]:
        """A row for each call that did not come, or did not end."""
        left = self.left.values()
        return [{**self._about(called), "passed": False, "error": None, "problem": "not reached"} for called in left]

    def ended(self, called: Module, output: object) -> object:
        """Compares what a call has returned. Returns that, or TensorFlow's own tensors if it is to replace them."""
        del self.left[id(called)]
        about = self._about(called)
        tensors = list(_tensors(output))
        if len(tensors) != len(called.outputs):
            problem = f"returns {len(tensors)} tensors, not {len(called.outputs)}"
            self.rows.append({**about, "passed": False, "error": None, "problem": problem})
            return output
        rows = [
            {
                **about,
                "tensor": ref.tensor,
                "family": self._family(called, ref),
                **self._compare(tensor, ref, about["ops"]),
            }
            for tensor, ref in zip(tensors, called.outputs, strict=True)
            if ref is not None
        ]
        self.rows += rows
        if rows and all(row["passed"] for row in rows):
            self.right.append(called)
        if not self.replaces:
            return output
        theirs = (self._theirs(tensor, ref) for tensor, ref in zip(tensors, called.outputs, strict=True))
        return _rebuilt(output, theirs)

    def _theirs(self, tensor: Tensor, ref: Ref | None) -> Tensor:
        """TensorFlow's tensor in the place of ours, or ours where it is not known whole."""
        sketch = self.sketches.get(ref.tensor) if ref else None
        if ref is None or sketch is None or not tensor.is_floating_point() or not sketch.is_whole:
            return tensor
        whole: Tensor = ref.view.apply(torch.tensor(sketch.values).reshape(sketch.shape)).contiguous()
        return whole.to(tensor)

    def _family(self, called: Module, ref: Ref) -> str:
        """Of the operation that computes a tensor: convolution, pooling, ... A bias belongs to what it is added to."""
        node = ref.tensor.partition(":")[0]
        before = called.origin[: called.origin.index(node) + 1] if node in called.origin else (node,)
        ops = [op for op in (self.ops.get(name, "") for name in before) if op != "BiasAdd"]
        handler = registry.handlers().get(ops[-1] if ops else "")
        return handler.family if handler else OTHER

    def _about(self, called: Module) -> Row:
        """Its name, and what of TensorFlow it does besides what its parts do that agree."""
        self.calls[called.path] += 1
        parts = [part for part in self.right if _is_within(part.path, called.path)]
        agreeing = {node for part in parts for node in part.origin}
        nodes = [node for node in called.origin if node not in agreeing] or called.origin
        return {
            "path": called.path,
            "call": self.calls[called.path],
            "class": called.class_name,
            "ops": list(dict.fromkeys(self.ops[node] for node in nodes if node in self.ops)),
            "nodes": list(nodes[:SHOWN]),
        }

    def _compare(self, tensor: Tensor, ref: Ref, ops: Sequence[str]) -> Row:
        sketch = self.sketches.get(ref.tensor)
        if sketch is None or not tensor.is_floating_point():
            return {"passed": None, "error": None}  # no float tensor of TensorFlow's
        try:
            shape, ours = sketched(tensor, ref, sketch)
        except RuntimeError:  # torch's refusal of a view of a tensor of this rank or size
            shape, ours = tuple(tensor.shape), None
        if ours is None:
            wanted = list(sketch.shape)
            problem = f"shape {list(shape)}, not {wanted}"
            return {"passed": False, "error": None, "problem": problem, "hint": hints.of_shape(ops, shape, wanted)}
        error = relative_error(ours, sketch.values)
        row = {"passed": error <= sketch.tolerance, "error": _finite(error), "tolerance": sketch.tolerance}
        return row if row["passed"] else {**row, **_difference(ours, sketch, ops)}


def sketched(tensor: Tensor, ref: Ref, sketch: Sketch) -> tuple[tuple[int, ...], Array | None]:
    """TensorFlow's shape of one of our tensors, and its elements that were recorded; None if the shape is wrong.

    Raises RuntimeError if the view does not fit the tensor.
    """
    original = ref.view.inverse().apply(tensor.detach())
    if tuple(original.shape) != sketch.shape:
        return tuple(original.shape), None
    if sketch.indices.size == original.numel():
        return sketch.shape, original.reshape(-1).cpu().numpy()
    positions = torch.from_numpy(hints.positions(sketch.indices, sketch.shape)).to(original.device)
    picked = original[tuple(positions.T)]
    values: Array = picked.cpu().numpy()
    return tuple(original.shape), values


def _difference(ours: Array, sketch: Sketch, ops: Sequence[str]) -> Row:
    """What both sides look like, and what may be the matter."""
    evidence = hints.Evidence(
        ours.astype(np.float64),
        sketch.values.astype(np.float64),
        hints.positions(sketch.indices, sketch.shape),
        sketch.shape,
        sketch.tolerance,
    )
    return {
        "ours": statistics(evidence.ours),
        "theirs": statistics(evidence.theirs),
        "differing": float(np.mean(evidence.differs)),
        "hint": hints.of_values(ops, evidence),
    }


def statistics(values: Array) -> dict[str, float | None]:
    """Mean, standard deviation, smallest and largest; None for what is no finite number."""
    with np.errstate(all="ignore"):
        found = {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
    return {name: _finite(float(value)) for name, value in found.items()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _tensors(output: object) -> Iterator[Tensor]:
    """The tensors within what a module returns, in order."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, (list, tuple)):
        for value in output:
            yield from _tensors(value)


def _rebuilt(output: object, tensors: Iterator[Tensor]) -> object:
    """The same structure with other tensors."""
    if isinstance(output, Tensor):
        return next(tensors)
    if isinstance(output, Mapping):
        return {name: _rebuilt(value, tensors) for name, value in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(_rebuilt(value, tensors) for value in output)
    return output


def _is_within(path: str, outer: str) -> bool:
    return path != outer and (outer == "" or path.startswith(f"{outer}."))

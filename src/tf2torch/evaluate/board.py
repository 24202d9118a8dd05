"""What TensorBoard shows of the PyTorch side: the graph of one run, and the errors within each module.

It is plain JSON: the side that has TensorBoard makes events of it (export/board.py).
"""

from __future__ import annotations

import json
import re
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode, resolve_name

from tf2torch import files, say
from tf2torch.evaluate import parity
from tf2torch.evaluate.network import Network, first_line
from tf2torch.evaluate.proof import Proof

FILE = "board.json"  # among the intermediates of an evaluation
EDGES = [round(-12 + 0.5 * step, 1) for step in range(27)]  # of the histograms, in powers of ten: 1e-12 to 10
Json = dict[str, Any]


def attempt(load: Callable[[], nn.Module], device: torch.device, proof: Proof, kept: Path) -> None:
    """Writes board.json. A network that does not run, of which the report tells, has none."""
    with say.step("writing down the graph for TensorBoard"):
        try:
            network = Network.of(load().to(device).eval(), device, proof.correspondence)
            files.write_text(kept / FILE, json.dumps(record(network, proof), separators=(",", ":")))
        except Exception as error:  # a picture is no reason to be without a verdict
            say.line(f"  no graph for TensorBoard: {first_line(error)}")


def record(network: Network, proof: Proof) -> Json:
    """{"graph": [node], "errors": [one for each call of a module]}. The network is in float32."""
    inputs = network.feed(proof.details.inputs)
    return {"graph": graph(network.module, inputs), "edges": EDGES, "errors": errors(network, inputs, proof)}


def graph(module: nn.Module, inputs: Sequence[Tensor]) -> list[Json]:
    """The operations of one run as nodes {"name", "op", "inputs", "shapes"}, named by the module that they belong to.

    An input is node:output. Parameters and buffers are nodes, too.
    """
    watch = _Trace(module, inputs)
    with torch.inference_mode(), watch.scopes(), watch:
        module(*inputs)
    return watch.nodes


class _Trace(TorchFunctionMode):
    """Writes down every call of a function of torch's that takes or gives tensors."""

    def __init__(self, module: nn.Module, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.nodes: list[Json] = []
        self.names: dict[str, int] = {}
        # By id, which another tensor may get later: all of them are not kept, since that takes much memory.
        self.made: dict[int, tuple[weakref.ref[Tensor], str]] = {}
        self.stack: list[str] = []
        self.modules = {inner: name for name, inner in module.named_modules()}
        self.weights = {id(value): name for name, value in module.state_dict(keep_vars=True).items()}
        for place, tensor in enumerate(inputs):
            self._add(f"input_{place + 1}", "Input", [], [tensor])

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Calls the function, and writes it down if it gives a tensor."""
        result = func(*args, **(kwargs or {}))
        outputs = [result] if isinstance(result, Tensor) else result if isinstance(result, (list, tuple)) else []
        outputs = [item for item in outputs if isinstance(item, Tensor)]
        if outputs and not all(id(item) in self.weights for item in outputs):
            given = [self._source(item) for item in _tensors((*args, *(kwargs or {}).values()))]
            operation = (resolve_name(func) or getattr(func, "__name__", "call")).split(".")[-1].strip("_")
            self._add("/".join([*self.stack, operation]), operation, given, outputs)
        return result

    def _source(self, tensor: Tensor) -> str:
        """The output that the tensor is; a weight, or a constant, becomes a node when it is first read."""
        known = self.made.get(id(tensor))
        if known is None or known[0]() is not tensor:
            name = self.weights.get(id(tensor))
            path = name.replace(".", "/") if name else "/".join([*self.stack, "constant"])
            self._add(path, "Weight" if name else "Constant", [], [tensor])
        return self.made[id(tensor)][1]

    def _add(self, name: str, operation: str, inputs: list[str], outputs: Sequence[Tensor]) -> None:
        count = self.names[name] = self.names.get(name, 0) + 1
        unique = name if count == 1 else f"{name}_{count}"
        self.names.setdefault(unique, 1)
        for place, tensor in enumerate(outputs):
            self.made[id(tensor)] = weakref.ref(tensor), f"{unique}:{place}"
        shapes = [list(tensor.shape) for tensor in outputs]
        self.nodes.append({"name": unique, "op": operation, "inputs": inputs, "shapes": shapes})

    @contextmanager
    def scopes(self) -> Iterator[None]:
        """Within the block the names of the modules that run are on the stack."""

        def enter(module: nn.Module, inputs: object) -> None:  # noqa: ARG001  # torch's signature
            self.stack[:] = [part for part in re.split(r"\.", self.modules[module]) if part]
            self.entered.append(list(self.stack))

        def leave(module: nn.Module, inputs: object, output: object) -> None:  # noqa: ARG001  # torch's signature
            self.entered.pop()
            self.stack[:] = self.entered[-1] if self.entered else []

        self.entered: list[list[str]] = []
        handles = [module.register_forward_pre_hook(enter) for module in self.modules]
        handles += [module.register_forward_hook(leave) for module in self.modules]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def errors(network: Network, inputs: Sequence[Tensor], proof: Proof) -> list[Json]:
    """For each call of a module, in the order in which they end: how far its elements are from TensorFlow's.

    {"module", "error", "tolerance", "counts"}: relative to TensorFlow's largest; how many elements lie between EDGES,
    those of no error, or less than the first edge, in the first place.
    """
    found: list[Json] = []
    left: dict[nn.Module, list[Any]] = {}
    for called in proof.correspondence.modules:
        left.setdefault(network.module.get_submodule(called.path), []).append(called)

    def ended(module: nn.Module, args: object, output: Any) -> None:  # noqa: ARG001  # torch's signature
        called = left[module].pop(0) if left[module] else None
        ref = called and called.outputs[0]
        sketch = proof.details.tensors.get(ref.tensor) if ref else None
        tensor = next(_tensors(output), None)
        if called is None or ref is None or sketch is None or tensor is None or not tensor.is_floating_point():
            return
        try:
            _, ours = parity.sketched(tensor, ref, sketch)
        except RuntimeError:  # of another rank: the report says so
            return
        if ours is not None:
            found.append({"module": called.path, "tolerance": sketch.tolerance, **_spread(ours, sketch)})

    handles = [module.register_forward_hook(ended) for module in left]
    try:
        with torch.inference_mode():
            network.module(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _spread(ours: Any, sketch: Any) -> Json:
    difference = np.abs(ours.astype(np.float64) - sketch.values) / sketch.scale
    difference = np.nan_to_num(difference, nan=10.0 ** EDGES[-1], posinf=10.0 ** EDGES[-1])
    powers = np.log10(np.maximum(difference, 10.0 ** EDGES[0])).clip(EDGES[0], EDGES[-1])
    counts, _ = np.histogram(powers, EDGES)
    return {"error": float(difference.max(initial=0)), "counts": counts.tolist()}

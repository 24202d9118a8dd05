"""What is compared beside the outputs: every module, the gradients, the parameters, and all of it in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tf2torch import details
from tf2torch.bundle import relative_error
from tf2torch.details import Details, Exact
from tf2torch.errors import InputError, ParityError
from tf2torch.evaluate import gradients, parameters, parity
from tf2torch.evaluate.float64 import AGREES, widened
from tf2torch.evaluate.network import Array, Network, first_line
from tf2torch.ir import store
from tf2torch.ir.correspondence import Correspondence
from tf2torch.ir.types import Graph
from tf2torch.job import Job

PARTS = ("modules", "gradients", "trainable", "float64")


@dataclass(frozen=True, slots=True)
class Proof:
    """What an engine knows that has kept track of every tensor."""

    correspondence: Correspondence
    details: Details
    trained: Mapping[str, int]  # elements of each variable that TensorFlow trains and that the outputs depend on
    ops: Mapping[str, str]  # of each TensorFlow node
    bisect: bool = False  # look at every module by itself, too; TensorFlow's tensors are known whole
    watching: parity.Watching = parity.by_hooks  # how to get at what the modules give
    judges: bool = True  # whether what it finds decides the verdict, as the outputs do

    @classmethod
    def of(cls, graph: Graph, correspondence: Correspondence, details: Details, **more: Any) -> Proof:
        """Of what the exported graph says about variables and operations. more: the other fields."""
        trained = {
            param.ref.tensor: math.prod(size or 0 for size in value.type.shape or ())
            for value, param in graph.params.items()
            if param.kind == "trainable"
        }
        return cls(correspondence, details, trained, {node.name: node.op for node in graph.nodes}, **more)


def recorded(job: Job) -> tuple[Graph, Details]:
    """The graph that the export has left, and what TensorFlow computes. Raises InputError if a part is missing."""
    found = details.load(job.intermediate("export", "reference.safetensors"))
    if found is None:
        raise InputError("The reference holds the outputs alone. `make export FORCE=1` records what is within.")
    return store.load_graph(job.intermediate("export", store.GRAPH)), found


def prove(network: Network, proof: Proof) -> dict[str, Any]:
    """Each of PARTS, or None where TensorFlow recorded nothing. Leaves the module in float64 if that was recorded."""
    details, correspondence = proof.details, proof.correspondence
    parts = {
        "modules": _modules(network, proof),
        "gradients": details.gradients and _gradients(network, proof),
        "trainable": parameters.count(network.module, correspondence, proof.trained),
        "float64": details.exact and _float64(network, proof, details.exact),
    }
    return parts if proof.judges else {name: part and {**part, "judged": False} for name, part in parts.items()}


def is_judged(part: Mapping[str, Any]) -> bool:
    """Whether a part of the report decides the verdict."""
    return bool(part.get("judged", True))


def _modules(network: Network, proof: Proof) -> dict[str, Any]:
    """As the network runs, and with BISECT=1 each by itself: the key by_itself, of the same form."""

    def compare(*, by_itself: bool) -> dict[str, Any]:
        return parity.modules(
            network.module,
            lambda: network.compute(proof.details.inputs),
            proof.correspondence,
            proof.details.tensors,
            proof.ops,
            watching=proof.watching,
            by_itself=by_itself,
        )

    found = compare(by_itself=False)
    return {**found, "by_itself": compare(by_itself=True)} if proof.bisect else found


def _gradients(network: Network, proof: Proof) -> dict[str, Any]:
    details = proof.details
    assert details.gradients is not None  # asked for only where there are any
    try:
        ours = gradients.compute(network, details.inputs, details.projections, proof.correspondence)
    except (ParityError, RuntimeError) as error:
        return {"passed": False, "problem": first_line(error), "inputs": [], "variables": None}
    inputs = gradients.of_inputs(ours.inputs, details.gradients.inputs)
    variables = gradients.of_variables(ours.variables, details.gradients.variables)
    passed = all(row["passed"] for row in inputs) and variables["passed"]
    return {"passed": passed, "inputs": inputs, "variables": variables}


def _float64(network: Network, proof: Proof, exact: Exact) -> dict[str, Any]:
    """Relative errors of outputs and gradients in float64; None for what is no number or of another shape."""
    details = proof.details
    inputs, projections = ([_wide(array) for array in arrays] for arrays in (details.inputs, details.projections))
    try:
        with widened(network.module):
            ours = gradients.compute(network, inputs, projections, proof.correspondence)
    except (ParityError, RuntimeError) as error:
        return {"passed": False, "problem": first_line(error), "errors": {}}
    errors = {
        "outputs": _largest(map(_error, [tensor.cpu().numpy() for tensor in ours.outputs], exact.outputs)),
        "input gradients": _largest(map(_error, ours.inputs, exact.gradients.inputs)),
    }
    variables = gradients.errors(ours.variables, exact.gradients.variables)
    if variables:
        worst = max(variables, key=variables.__getitem__)
        errors[f"gradient of {worst}"] = variables[worst]
    return {
        "passed": all(error <= AGREES for error in errors.values()),
        "tolerance": AGREES,
        "errors": {name: error if math.isfinite(error) else None for name, error in errors.items()},
    }


def _wide(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def _error(ours: Array, theirs: Array) -> float:
    return relative_error(ours, theirs) if ours.shape == theirs.shape else math.inf


def _largest(errors: Iterable[float]) -> float:
    return max(errors, default=0.0)

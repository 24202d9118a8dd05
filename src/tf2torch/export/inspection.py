"""What a network is before it is converted: inputs, outputs, operations, parameters, and what stands in the way."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tf2torch import passes
from tf2torch.errors import UnsupportedError
from tf2torch.export import graph as graphs
from tf2torch.export import sources
from tf2torch.export.candidates import Candidate
from tf2torch.ir.types import Graph, Param, Value
from tf2torch.job import Job

DEEPEST = 4  # names of a scope, where all parameters are below one


def show(job: Job, *, as_json: bool) -> int:
    """Prints the description of the job's network. A network that cannot be converted is no failure of this."""
    source = sources.load(job)
    found = describe(job.name, *graphs.read(source.inference, source.info))
    found["output_chosen_by"] = source.info.get("output_chosen_by")
    found["candidates"] = [_candidate(item) for item in sources.inspect(job.source)] if job.source else []
    print(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))
    return 0


def describe(name: str, graph: Graph, weights: dict[str, Any]) -> dict[str, Any]:
    """All of it as plain data. `problem` is what the conversion would say; None if it would not complain."""
    refused: tuple[str, ...] = ()
    problem = None
    try:
        passes.run(graph, weights)
    except UnsupportedError as error:
        refused, problem = error.operations, str(error)
    counts = Counter(node.op for node in graph.nodes)
    return {
        "name": name,
        "inputs": [_tensor(value) for value in graph.inputs],
        "outputs": [_tensor(value) for value in graph.outputs],
        "operations": [
            {"op": op, "count": count, "supported": op not in refused} for op, count in sorted(counts.items())
        ],
        "parameters": _by_scope(graph, weights),
        "problem": problem,
    }


def lines(found: dict[str, Any]) -> list[str]:
    """The description for people."""
    result = [found["name"]]
    for kind in ("inputs", "outputs"):
        for index, item in enumerate(found[kind]):
            result.append(f"  {kind if index == 0 else '':<10}  {item['name']}  {item['type']}")
    if found.get("candidates"):
        result.append(f"  the output was chosen by {found['output_chosen_by']}; it could be (OUTPUT=):")
        for item in found["candidates"]:
            axes = "?" if item["shape"] is None else ", ".join("?" if n is None else str(n) for n in item["shape"])
            result.append(f"    {item['name']}  [{axes}], {item['distance']} operations from the input")
    total = sum(item["count"] for item in found["operations"])
    result += ["", f"  {total} operations of {len(found['operations'])} types"]
    width = max((len(item["op"]) for item in found["operations"]), default=0)
    for item in sorted(found["operations"], key=lambda item: (-item["count"], item["op"])):
        result.append(f"    {item['op']:<{width}} {item['count']:>6}{'' if item['supported'] else '  not supported'}")
    elements = {kind: sum(item[kind] for item in found["parameters"]) for kind in ("trainable", "other")}
    result += ["", f"  {elements['trainable']:,} trainable parameters, {elements['other']:,} others"]
    width = max((len(item["scope"]) for item in found["parameters"]), default=0)
    for item in found["parameters"]:
        result.append(f"    {item['scope']:<{width}} {item['trainable']:>12,} {item['other']:>12,}")
    return [*result, "", found["problem"] or "The engine native can convert it."]


def _tensor(value: Value) -> dict[str, Any]:
    name = value.name if ":" in value.name else f"{value.name}:0"
    shape = None if value.type.shape is None else list(value.type.shape)
    return {"name": name, "type": str(value.type), "dtype": value.type.dtype, "shape": shape}


def _candidate(item: Candidate) -> dict[str, Any]:
    shape = None if item.shape is None else list(item.shape)
    return {"name": item.tensor.name, "shape": shape, "distance": item.distance}


def _by_scope(graph: Graph, weights: dict[str, Any]) -> list[dict[str, Any]]:
    """Elements below each scope, at a depth at which there is more than one."""
    named = [(param.ref.tensor.split("/"), param) for param in graph.params.values()]
    depth = 1
    while depth < DEEPEST and len({tuple(parts[:depth]) for parts, _ in named}) == 1 < len(named):
        depth += 1
    scopes: dict[str, dict[str, int]] = {}
    for parts, param in named:
        entry = scopes.setdefault("/".join(parts[: min(depth, max(1, len(parts) - 1))]), {"trainable": 0, "other": 0})
        entry[_kind(param)] += int(weights[param.ref.tensor].size)
    return [{"scope": scope, **counts} for scope, counts in scopes.items()]


def _kind(param: Param) -> str:
    return "trainable" if param.kind == "trainable" else "other"

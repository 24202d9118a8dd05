"""How fast the converted network is, in every way to run it, beside TensorFlow.

All ways are measured in turns within one run; what another program does to the machine meets all of them.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tf2torch import files, say, timing
from tf2torch.evaluate import clock, tf32
from tf2torch.evaluate.folding import folded
from tf2torch.evaluate.network import Array, Network, first_line
from tf2torch.job import Job

EAGER, FOLDED = "eager", "BN folded"
SECONDS = 20.0  # for all of it
BATCHES, GPU_BATCHES = (1, 8, 32), (1, 8, 32, 256)
WANTED = 2  # of the batch sizes: for these it may take twice as long, so that every way is there at both of them
Way = tuple[nn.Module, Callable[[], AbstractContextManager[object]], torch.memory_format]
Result = dict[str, Any]


def attempt(
    load: Callable[[], nn.Module], make: Callable[[nn.Module], Network], inputs: Sequence[Array], job: Job
) -> Result | None:
    """The part `timing` of report.json; None if the job does not ask for it. Figures of speed never fail a run."""
    if not job.timing:
        return None
    with say.step("timing PyTorch"):
        try:
            network = make(load())
            return measure(network, inputs, files.read_json(job.intermediate("export", "timing.json")))
        except Exception as error:  # whatever it is, the comparison is done and holds
            return {"problem": f"PyTorch was not timed: {first_line(error)}", "rows": []}


def measure(
    network: Network,
    inputs: Sequence[Array],
    theirs: Result | None = None,
    *,
    batches: Sequence[int] = (),
    seconds: float = SECONDS,
    compiled: bool = False,
) -> Result:
    """Times the network in float32 on its device, in each way and at each batch size.

    inputs: TensorFlow's arrays, of any batch; they are repeated or cut. theirs: the timing.json of the export.
    compiled: with torch.compile, which alone takes a minute. Raises what the network raises at batch 1.
    """
    device = network.device
    others, began = timing.Others(), time.perf_counter()
    batches = batches or (GPU_BATCHES if device.type == "cuda" else BATCHES)
    rows, notes = _theirs(theirs, device)
    single = network.feed(_batch(inputs, 1))
    ways = _ways(network.module, single, device, compiled=compiled)
    if FOLDED not in ways:
        notes.append(f"{FOLDED}: no batch norm follows a convolution, or the output would be another.")
    for place, batch in enumerate(batches):
        left = max(seconds - (time.perf_counter() - began), 0.0)
        patience = 2 * left if place < WANTED else left
        wanted = dict(ways) if place == 0 else _affordable(ways, rows, batch, patience)
        without = [name for name in ways if name not in wanted]
        if without:
            notes.append(f"batch {batch}: {', '.join(without) if wanted else 'all of it'} would take too long here.")
        if wanted:
            each = left / (len(batches) - place + 1)  # and as much for what takes longer than that
            rows += _of_batch(wanted, network.feed(_batch(inputs, batch)), batch, each, device)
    rows = [row for row in rows if row["batch"] in {row["batch"] for row in rows if row["way"] == EAGER}]
    busy = others.share()
    if busy is not None and busy > timing.BUSY:
        notes.append(f"Other processes took {100 * busy:.0f} % of the processors meanwhile: take the figures as rough.")
    return {
        "device": "CPU" if device.type == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
        "parameters": sum(parameter.numel() for parameter in network.module.parameters()),
        "macs": _macs(network.module, single),
        "busy_elsewhere": busy,
        "rows": _with_ratios(rows, device),
        "notes": notes,
    }


def _batch(inputs: Sequence[Array], size: int) -> list[Array]:
    """So many rows, repeated where there are less, of every input that has as many as the first."""
    rows = next((array.shape[0] for array in inputs if array.ndim), 0)
    return [
        np.resize(array, (size, *array.shape[1:])) if array.ndim and len(array) == rows else array for array in inputs
    ]


def _theirs(recorded: Result | None, device: torch.device) -> tuple[list[timing.Row], list[str]]:
    """TensorFlow's rows, and what there is to say of them."""
    if not recorded:
        return [], ["TensorFlow was not timed: `make export FORCE=1` does it."]
    if "problem" in recorded:
        return [], [recorded["problem"]]
    notes = []
    if device.type == "cuda":
        notes.append("TensorFlow was timed on the CPU, so there is no ratio to it.")
    if (recorded["busy_elsewhere"] or 0) > timing.BUSY:
        share = 100 * recorded["busy_elsewhere"]
        notes.append(f"Other processes took {share:.0f} % of the processors while TensorFlow was timed.")
    return [dict(row) for row in recorded["rows"]], notes


def _ways(module: nn.Module, inputs: Sequence[Tensor], device: torch.device, *, compiled: bool) -> dict[str, Way]:
    """Each way to run the network, the most interesting first, as (module, context to run it in, memory format)."""
    plain = torch.contiguous_format
    ways: dict[str, Way] = {EAGER: (module, nullcontext, plain)}
    without_norms = folded(module, lambda changed: _first(changed(*inputs)))
    if without_norms is not None:
        ways[FOLDED] = (without_norms, nullcontext, plain)
    if any(tensor.ndim == 4 for tensor in inputs):
        last = copy.deepcopy(module).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
        ways["channels_last"] = (last, nullcontext, torch.channels_last)
    if compiled:
        ways["torch.compile"] = (torch.compile(module), nullcontext, plain)  # type: ignore[assignment]  # it is a module
    if device.type == "cuda":
        ways["TF32"] = (module, tf32.allowed, plain)
    for name, dtype in (("fp16", torch.float16), ("bf16", torch.bfloat16)):
        if device.type == "cuda" or name == "bf16":
            ways[f"{name} autocast"] = (module, lambda dtype=dtype: torch.autocast(device.type, dtype), plain)  # type: ignore[misc]  # of this iteration
    return ways


def _of_batch(
    ways: Mapping[str, Way], inputs: Sequence[Tensor], batch: int, seconds: float, device: torch.device
) -> list[timing.Row]:
    """A row for each way, with its error against eager: what the speed costs."""
    runs: dict[str, Callable[[], Tensor]] = {}
    outputs: dict[str, Tensor] = {}
    rows: list[timing.Row] = []
    memory: dict[str, float | None] = {}
    for name, way in ways.items():
        run = _runner(way, inputs)
        try:
            outputs[name] = run()
            memory[name] = clock.memory(device, way[0], run)
        except Exception as refusal:  # not every way is for every network; eager is the one that has to run
            if name == EAGER and batch == 1:
                raise
            rows.append({**timing.problem(name, batch, first_line(refusal)), "ratio": None, "memory_mb": None})
        else:
            runs[name] = run
    measured = timing.interleaved(runs, seconds, clock.seconds(device), warm=True) if runs else {}
    for name, taken in measured.items():
        error = _error(outputs[name], outputs[EAGER]) if name != EAGER and EAGER in outputs else None
        rows.append({**timing.row(name, batch, taken), "memory_mb": memory[name], "error": error})
    return rows


def _runner(way: Way, inputs: Sequence[Tensor]) -> Callable[[], Tensor]:
    module, context, layout = way
    given = [tensor.contiguous(memory_format=layout) if tensor.ndim == 4 else tensor for tensor in inputs]

    def run() -> Tensor:
        with torch.inference_mode(), context():
            return _first(module(*given))

    return run


def _first(output: Any) -> Tensor:
    return output if isinstance(output, Tensor) else output[0]


def _error(ours: Tensor, eager: Tensor) -> float | None:
    """Relative to the largest output; None for what is no number or of another shape."""
    if ours.shape != eager.shape:
        return None
    scale = float(eager.abs().max()) or 1.0
    error = float((ours.double() - eager.double()).abs().max()) / scale
    return float(f"{error:.3g}") if np.isfinite(error) else None


def _affordable(ways: Mapping[str, Way], rows: Sequence[timing.Row], batch: int, seconds: float) -> dict[str, Way]:
    """The ways for which there is time: none that is much slower, and eager before all others."""
    of_eager = [row for row in rows if row["way"] == EAGER and row["median_ms"] is not None]
    if not of_eager:
        return {}
    known = {row["way"]: row for row in rows if row["batch"] == of_eager[-1]["batch"] and row["median_ms"] is not None}
    result, spent = {}, 0.0
    for name, way in ways.items():
        if name not in known or known[name]["median_ms"] > timing.SLOW * known[EAGER]["median_ms"]:
            continue
        once = known[name]["median_ms"] / 1000 * batch / known[name]["batch"]
        spent += once * (timing.FEWEST + 1)  # what comes first warms up, and gives the output
        if spent > seconds:
            break
        result[name] = way
    return result


def _macs(module: nn.Module, inputs: Sequence[Tensor]) -> int | None:
    """Multiplications with an addition, for one input; None where torch cannot count them."""
    try:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            module(*inputs)
    except Exception:  # the counter sits below the operations, and not all of them bear it
        return None
    return int(counter.get_total_flops()) // 2


def _with_ratios(rows: list[timing.Row], device: torch.device) -> list[timing.Row]:
    """`ratio` is to TensorFlow where both ran on the same kind of device, `eager_ratio` to the network as it is."""
    medians = {(row["way"], row["batch"]): row["median_ms"] for row in rows if row["median_ms"] is not None}

    def over(row: timing.Row, way: str) -> float | None:
        base = medians.get((way, row["batch"]))
        return round(row["median_ms"] / base, 3) if base and row["median_ms"] is not None else None

    return [
        {
            **row,
            "ratio": over(row, "TensorFlow") if device.type == "cpu" else None,
            "eager_ratio": over(row, EAGER),
            "per_second": row["median_ms"] and float(f"{1000 * row['batch'] / row['median_ms']:.4g}"),
            "memory_mb": row.get("memory_mb"),
        }
        for row in sorted(rows, key=lambda row: row["batch"])
    ]

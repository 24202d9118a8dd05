"""`tf2torch weights`: another checkpoint onto generated source, or converted weights onto a network of somebody else's.

Two steps, each where its framework is: TensorFlow's writes the checkpoint's variables as a state dict of the generated
source, PyTorch's loads that, strictly, and puts it where it belongs.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tf2torch import files, options, say
from tf2torch.engines.native import SKETCH, SOURCE, WEIGHTS
from tf2torch.errors import InputError, ParityError, UsageError
from tf2torch.job import Job

if TYPE_CHECKING:
    from torch import nn

    from tf2torch.onto.foreign import Mapped

TOLERANCE = 1e-6  # of the relative error in float64
_LISTED = 10
_UNSEEN = (
    " No setting of a layer differs. What is left is padding, of which TensorFlow puts more at the end, and average "
    "pools, which in TensorFlow do not count it (count_include_pad=False)."
)


def run(given: argparse.Namespace) -> int:
    """Both steps, or that of one side."""
    job = options.job(given, converted=True)
    if not given.onto:
        raise UsageError(
            "weights wants --onto (ONTO=): output/<model>/converted_pytorch.py, timm:NAME, or package.module:factory."
        )
    is_foreign = ":" in given.onto
    source = job.output / SOURCE if is_foreign else Path(given.onto)
    if not source.is_file():
        made = f" `make convert MODEL={job.name}` makes it; MODEL= names another." if is_foreign else ""
        raise InputError(f"There is no {source}, the converted network whose layers are to be matched.{made}")
    checkpoint = job.checkpoint or job.source
    if checkpoint is None and not is_foreign:
        raise UsageError(f"Which checkpoint onto {given.onto}? `tf2torch weights CHECKPOINT --onto` (CHECKPOINT=).")
    name = _called(Path(given.source)) if checkpoint else source.stem
    between = job.work_root / "weights" / f"{name}.safetensors" if checkpoint else source.with_name(WEIGHTS)
    if checkpoint and given.side != "pytorch":
        from tf2torch.export import onto  # TensorFlow side

        onto.write(job, checkpoint, source, between)
    if given.side == "tensorflow":
        return 0
    if is_foreign:
        return _onto_foreign(job, given.onto, source, between, name)
    return _onto_source(source, between, source.with_name(f"{name}.safetensors"))


def _called(checkpoint: Path) -> str:
    """A file's name for it, the same on both sides, of which only one can look at it. Steps of one training differ."""
    return re.sub(
        r"[^A-Za-z0-9_]+", "_", re.sub(r"(\.ckpt)?(\.meta|\.index|\.data-[\d-]+of-\d+)?$", "", checkpoint.name)
    )


def _onto_source(source: Path, weights: Path, target: Path) -> int:
    if target == source.with_suffix(".safetensors"):
        raise UsageError(f"{target} is what the source has been converted with. Give the checkpoint another name.")
    _load(source, weights)
    files.copy(weights, target)
    say.line(f"{target}: all weights of {source} are there, and of the right shape.")
    print(f"load({target.name!r})")
    return 0


def _onto_foreign(job: Job, onto: str, source: Path, weights: Path, name: str) -> int:
    """Maps, compares where every key has its weight, and writes only what agrees or could not be compared."""
    from safetensors.torch import load_file, save_file

    from tf2torch.onto import foreign

    if not source.with_name(SKETCH).is_file():
        raise InputError(
            f"There is no {source.with_name(SKETCH)}, with an input that both networks are to be run on. "
            f"`make convert MODEL={job.name} FROM=codegen` makes it."
        )
    recorded = load_file(source.with_name(SKETCH))
    classes = recorded["output"].shape[1] if recorded["output"].dim() == 2 else 0
    network, other = _load(source, weights), foreign.build(onto, classes)
    inputs = [recorded[key] for key in sorted(recorded) if key.startswith("input")]
    mapped = foreign.put(network, other, inputs)
    _report(mapped, onto)
    if not mapped.theirs_left:
        other.load_state_dict(dict(mapped.state))
        error = foreign.compare(network, other, inputs)
        if not error <= TOLERANCE:
            raise ParityError(
                f"With the weights of {job.name}, {onto} computes something else: relative error {error:.1e} in "
                f"float64 (at most {TOLERANCE:.0e}). Nothing is written.{_why(mapped.differ) or _UNSEEN}"
            )
        say.line(f"Both compute the same: relative error {error:.1e} in float64.")
    called = re.sub(r"(\.py)?[^A-Za-z0-9_]+", "_", onto.rpartition("/")[2])
    target = source.with_name(f"{name}.{called}.safetensors")
    with files.atomic(target) as temporary:
        save_file({key: value.clone().contiguous() for key, value in mapped.state.items()}, temporary)
        temporary.chmod(0o644)  # as other products are
    print(target)
    if mapped.theirs_left:
        raise InputError(
            f"{len(mapped.theirs_left)} weights of {onto} have no counterpart in {source}. {target} has the others "
            f"(load_state_dict(..., strict=False)), and nothing could be compared.{_why(mapped.differ)}"
        )
    return 0


def _load(source: Path, weights: Path) -> nn.Module:
    """The generated network with these weights. Raises InputError if they are not exactly its own."""
    from safetensors import SafetensorError

    from tf2torch.engines.native.evaluate import imported

    try:
        network: nn.Module = imported(source).load(weights)
        return network
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[:3])
        raise InputError(f"{source} does not take {weights.name}: {reason}") from error


def _report(mapped: Mapped, onto: str) -> None:
    say.line(f"{mapped.count} weights of {onto} are those of the converted network.")
    for keys, whose in ((mapped.theirs_left, onto), (mapped.ours_left, "the converted network")):
        if keys:
            say.line(f"{len(keys)} of {whose} have no counterpart:")
            for line in _some(keys):
                say.line(f"  {line}")


def _why(differ: Sequence[str]) -> str:
    return "\n  ".join(["\n  These layers are set up differently:", *_some(differ)]) if differ else ""


def _some(items: Sequence[str]) -> list[str]:
    more = len(items) - _LISTED
    return [*items[:_LISTED], *([f"and {more} more"] if more > 0 else [])]

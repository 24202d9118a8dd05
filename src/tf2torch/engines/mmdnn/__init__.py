"""MMdnn 0.3.1 as an engine: its own IR and its own code generator, behind an import-time adapter."""

from __future__ import annotations

from pathlib import Path

from tf2torch.engines import CHECKPOINT_OPTIONS, Stage, image_files, page_files, recipe_and_checkpoint
from tf2torch.job import Job

_TENSORFLOW_SIDE = ("tensorflow", "tf-slim", "tf_keras", "mmdnn", "numpy", "protobuf", "pillow")
_PYTORCH_SIDE = ("torch", "mmdnn", "numpy", "protobuf", "pillow")


def _export_inputs(job: Job) -> list[Path]:
    return [*recipe_and_checkpoint(job), *image_files(job)]


def _codegen_inputs(job: Job) -> list[Path]:
    return [job.output / "converted.pb", job.output / "converted.npy"]


def _build_inputs(job: Job) -> list[Path]:
    return [job.output / "converted_pytorch.py", job.output / "converted_pytorch.npy"]


def _evaluate_inputs(job: Job) -> list[Path]:
    exported = [job.intermediate("export", name) for name in ("reference.safetensors", "graph.json", "timing.json")]
    return [*_build_inputs(job), job.output / "converted_pytorch.pth", *exported, *image_files(job), *page_files()]


STAGES = (
    Stage(
        "export",
        _TENSORFLOW_SIDE,
        ("engine", "weights", "seed", *CHECKPOINT_OPTIONS, "recipe", "timing"),
        _export_inputs,
    ),
    Stage("codegen", _PYTORCH_SIDE, ("engine", "weights", "seed"), _codegen_inputs),
    Stage("build", _PYTORCH_SIDE, ("engine",), _build_inputs),
    Stage("evaluate", _PYTORCH_SIDE, ("engine", "weights", "recipe", "device", "timing"), _evaluate_inputs),
)

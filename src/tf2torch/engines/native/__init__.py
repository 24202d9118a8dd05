"""The engine of this project: a typed graph, rewritten pass by pass, and printed as source worth reading."""

from __future__ import annotations

from pathlib import Path

from tf2torch.engines import CHECKPOINT_OPTIONS, Stage, image_files, page_files, recipe_and_checkpoint
from tf2torch.job import Job

_TENSORFLOW_SIDE = ("tensorflow", "tf-slim", "tf_keras", "numpy", "pillow", "safetensors")
_PYTORCH_SIDE = ("torch", "numpy", "pillow", "safetensors", "ruff")
SOURCE, WEIGHTS, SKETCH = (f"converted_pytorch.{suffix}" for suffix in ("py", "safetensors", "sketch.safetensors"))


def source_files(source: Path) -> list[Path]:
    """Every file of a source: those of a folder, or the file and all that belong to a checkpoint of that name."""
    if source.is_dir():
        return sorted(path for path in source.rglob("*") if path.is_file())
    prefix = source.name.removesuffix(".meta").removesuffix(".index")
    return sorted(path for path in source.parent.glob("*") if f"{path.name}.".startswith(f"{prefix}.")) or [source]


def _export_inputs(job: Job) -> list[Path]:
    recipe, *checkpoint = recipe_and_checkpoint(job)
    return [recipe, *(source_files(job.source) if job.source else checkpoint), *image_files(job)]


def _exported(job: Job, *names: str) -> list[Path]:
    return [job.intermediate("export", name) for name in names]


def _codegen_inputs(job: Job) -> list[Path]:
    graph = _exported(job, "graph.json", "weights.safetensors", "reference.safetensors", "source.json")
    return [job.models / f"{job.name}.toml", *graph]


def _build_inputs(job: Job) -> list[Path]:
    return [job.output / name for name in (SOURCE, WEIGHTS, SKETCH)]


def _evaluate_inputs(job: Job) -> list[Path]:
    made = [*_build_inputs(job), *(job.output / f"converted_pytorch.{suffix}" for suffix in ("pth", *job.formats))]
    correspondence = job.intermediate("codegen", "correspondence.json")
    exported = _exported(job, "reference.safetensors", "graph.json", "timing.json")
    return [*made, correspondence, *exported, *image_files(job), *page_files()]


_NETWORK = ("engine", "weights", "seed")
STAGES = (
    Stage(
        "export",
        _TENSORFLOW_SIDE,
        (*_NETWORK, *CHECKPOINT_OPTIONS, "recipe", "input_names", "output_names", "proof", "bisect", "timing"),
        _export_inputs,
    ),
    Stage("codegen", _PYTORCH_SIDE, (*_NETWORK, "recipe"), _codegen_inputs),
    Stage("build", _PYTORCH_SIDE, ("engine", "formats"), _build_inputs),
    Stage(
        "evaluate",
        _PYTORCH_SIDE,
        ("engine", "weights", "recipe", "device", "formats", "bisect", "timing"),
        _evaluate_inputs,
    ),
)

"""The whole road in one process, for programs: needs TensorFlow and PyTorch."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from tf2torch import engines, files, options, recipe, stage
from tf2torch.engines.native import SOURCE
from tf2torch.engines.native.evaluate import imported
from tf2torch.errors import InputError, UsageError
from tf2torch.ir import correspondence
from tf2torch.ir.types import Ref
from tf2torch.job import Job

Layout = Literal["torch", "tf"]


class Conversion:
    """What a conversion has made. Its files are temporary until `save` copies them."""

    def __init__(self, job: Job, io_layout: Layout) -> None:
        self._job = job
        self.source: str = (job.output / SOURCE).read_text(encoding="utf-8")
        self.report: dict[str, Any] = files.read_json(job.output / "report.json")  # as docs/python-api.md has it
        self.module: nn.Module = imported(job.output / SOURCE).load()  # with its weights, in evaluation mode
        if io_layout == "tf":
            known = correspondence.load(job.intermediate("codegen", "correspondence.json"))
            self.module = TensorFlowLayout(self.module, known.inputs, known.outputs).eval()

    @property
    def passed(self) -> bool:
        """Whether the network computes what TensorFlow's does."""
        return bool(self.report["verdict"] == "PASS")

    def save(self, folder: str | Path) -> Path:
        """Copies the source, weights, model files and report into a folder, which is made if need be.

        Raises MachineError if it cannot be written.
        """
        target = Path(folder)
        for path in sorted(self._job.output.iterdir()):
            files.copy(path, target / path.name)
        return target

    def __repr__(self) -> str:
        return f"<Conversion of {self._job.name}: {self.report['verdict']}>"


class TensorFlowLayout(nn.Module):
    """A network behind TensorFlow's order of axes: images are [N, H, W, C], whatever it works with itself."""

    def __init__(self, network: nn.Module, inputs: Sequence[Ref], outputs: Sequence[Ref]) -> None:
        super().__init__()
        self.network = network
        self._inputs = [ref.view for ref in inputs]
        self._outputs = [ref.view.inverse() for ref in outputs]

    def forward(self, *inputs: Tensor) -> Any:
        """Takes and gives what the network does, each tensor in TensorFlow's shape."""
        given = [view.apply(tensor) for view, tensor in zip(self._inputs, inputs, strict=True)]
        result = self.network(*given)
        if isinstance(result, Tensor):
            return self._outputs[0].apply(result)
        return tuple(view.apply(tensor) for view, tensor in zip(self._outputs, result, strict=True))


def convert(
    source: str | Path | bytes,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    io_layout: Layout = "torch",
) -> Conversion:
    """A TensorFlow 1 network as PyTorch source and as a module, compared with TensorFlow on seeded inputs.

    source: a frozen graph (.pb), a meta graph (.meta) with its checkpoint, a checkpoint's prefix, or the bytes of a
    GraphDef. inputs, outputs: names of TensorFlow tensors, where the source leaves a choice. io_layout: "torch" takes
    and gives images as [N, C, H, W], "tf" as [N, H, W, C].

    A result that differs from TensorFlow's is no error: see `Conversion.passed`. Raises UnsupportedError with every
    operation that cannot be converted, InputError for a source that cannot be read or has no such tensors.
    """
    if io_layout not in ("torch", "tf"):
        raise UsageError(f"io_layout={io_layout!r} is not known. It is 'torch' or 'tf'.")
    folder = Path(tempfile.mkdtemp(prefix="tf2torch-"))
    try:
        job = _job(source, folder, tuple(inputs or ()), tuple(outputs or ()))
        for step in engines.stages(job.engine).values():
            stage.run(step, job)
        result = Conversion(job, io_layout)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(result, shutil.rmtree, folder, ignore_errors=True)
    return result


def _job(source: str | Path | bytes, folder: Path, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Job:
    if isinstance(source, bytes):
        path = folder / "network.pb"
        path.write_bytes(source)
    else:
        path = Path(source)
        if not any(path.parent.glob(f"{path.name}*")):
            raise InputError(f"There is no {path}. It is a frozen graph (.pb), or a checkpoint with its .meta.")
    models = folder / "models"
    models.mkdir()
    return Job(
        recipe=recipe.of_source(models, options.name_of(path)),
        engine="native",
        weights="pretrained",
        seed=0,
        images=None,
        device="cpu",
        models=models,
        work_root=folder / "work",
        output_root=folder / "output",
        source=path,
        input_names=inputs,
        output_names=outputs,
    )

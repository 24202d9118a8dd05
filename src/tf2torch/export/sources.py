"""Where a network comes from: a recipe, a meta graph with its checkpoint, a frozen graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tf2torch.export import checkpoint
from tf2torch.export.definition import Tensor, tensor
from tf2torch.export.normalize import Inference, infer
from tf2torch.export.tensorflow import tf
from tf2torch.ir.types import Attr
from tf2torch.job import Job


@dataclass(frozen=True, slots=True)
class Source:
    inference: Inference
    info: Mapping[str, Attr]
    loaded: checkpoint.Loaded


def load(job: Job) -> Source:
    """What the user has, as an inference graph."""
    return from_recipe(job)


def from_recipe(job: Job) -> Source:
    """A recipe's network, with random weights or its checkpoint's."""
    loaded = checkpoint.load(job)
    info = {"name": job.name, "source": checkpoint.source(job)}
    return Source(inference(loaded), info, loaded)


def inference(loaded: checkpoint.Loaded) -> Inference:
    """A recipe's network up to the tensor that the recipe names."""
    output = tensor(loaded.graph.get_operation_by_name(checkpoint.OUTPUT).inputs[0].name)
    trainable = {variable.op.name for variable in loaded.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}
    return infer(loaded.graph.as_graph_def(), [Tensor(loaded.input_name)], [output], loaded.variables, trainable)

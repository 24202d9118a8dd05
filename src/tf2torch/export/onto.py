"""The variables of a checkpoint as the weights of a network that has been converted before. TensorFlow side."""

from __future__ import annotations

from pathlib import Path

from tf2torch import files
from tf2torch.export import checkpoint
from tf2torch.export.stored import Stored
from tf2torch.ir import weights_file
from tf2torch.job import Job


def write(job: Job, prefix: Path, source: Path, target: Path) -> None:
    """Writes `target`: a state dict for the generated `source`, of the variables that its own weights name.

    Constants, and what PyTorch alone has, stay as they are. Raises InputError with all that is missing or does not fit.
    """
    weights = weights_file.load(source.with_suffix(".safetensors"))
    label, scope_map = f"The checkpoint {prefix.name}", job.recipe.scope_map
    stored = Stored(prefix, label, "take another copy of it", scope_map, averages=job.moving_averages)
    needed = {ref.tensor: [*weights.shape(key)] for key, ref in weights.variables.items()}
    checkpoint.check(stored, needed, needed, f"the network {source}", suggest=not scope_map)
    arrays = dict(weights.arrays)
    values = stored.values({ref.tensor: arrays[key].dtype for key, ref in weights.variables.items()})
    for key, ref in weights.variables.items():
        arrays[key] = ref.view.apply(values[ref.tensor])
    with files.atomic(target) as temporary:
        weights_file.save(arrays, weights.metadata, temporary)

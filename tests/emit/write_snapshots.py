"""Writes tests/snapshots anew: `python -m tests.emit.write_snapshots [--sources] [names]`.

With --sources the graphs stay as they are, and TensorFlow is not needed. Review the differences like code.
"""

from __future__ import annotations

import sys

import numpy as np

from tests.emit import snapshots
from tf2torch import recipe as recipes
from tf2torch.ir.types import Graph


def export(name: str) -> Graph:
    """The graph of a recipe as the export makes it, for weights that do not matter."""
    from tf2torch.export import graph as exported
    from tf2torch.export.checkpoint import variables_of
    from tf2torch.export.definition import tensor
    from tf2torch.export.normalize import infer
    from tf2torch.export.tensorflow import tf
    from tf2torch.zoo import networks

    recipe = recipes.load(snapshots.ROOT / "models", name)
    network = networks.build(recipe)
    variables = variables_of(network.graph)
    shapes = {variable.op.name: variable.shape.as_list() for variable in variables}
    trainable = {variable.op.name for variable in network.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)}
    nothing = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    inference = infer(
        network.graph.as_graph_def(),
        [tensor(network.images.name)],
        [tensor(network.logits.name)],
        lambda _: nothing,
        trainable,
    )
    source = "training graph" if inference.decays else "recipe" if recipe.bn_decay else "default"
    decay = next(iter(inference.decays.values()), recipe.bn_decay)
    info = {"name": name, "batch_norm_decay": decay, "batch_norm_decay_source": source}
    return exported.read(inference, info)[0]


def main(arguments: list[str]) -> None:
    names = [name for name in arguments if name != "--sources"] or snapshots.GRAPHS
    for name in names:
        if "--sources" not in arguments:
            snapshots.graph_file(name).write_bytes(snapshots.packed(export(name)))
        if name in snapshots.SOURCES:
            snapshots.source_file(name).write_text(snapshots.generated(name))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Writes models/sizes.csv. Run as python -m tests.zoo.write_sizes [NAMES]; by default all recipes are built."""

from __future__ import annotations

import sys
from math import prod
from pathlib import Path

from tf2torch import files, fleet, recipe
from tf2torch.export.tensorflow import tf
from tf2torch.zoo import networks, sizes

MODELS = Path(__file__).parents[2] / "models"


def size(found: recipe.Recipe) -> sizes.Size:
    """Builds the network, without values for its variables, and counts."""
    network = networks.build(found)
    definition = network.graph.as_graph_def()
    needed = {node.name for node in tf.graph_util.extract_sub_graph(definition, [network.logits.op.name]).node}
    trained = network.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
    tensors = [tensor for name in needed for tensor in network.graph.get_operation_by_name(name).outputs]
    shapes = [tensor.shape.as_list() for tensor in tensors if tensor.shape.rank]
    return sizes.Size(
        sum(variable.shape.num_elements() for variable in trained if variable.op.name in needed),
        sum(prod(length or 1 for length in shape) for shape in shapes if shape[0] is None),  # one for each input
    )


def main(wanted: str) -> None:
    known = recipe.names(MODELS)
    found = {name: held for name, held in sizes.read(MODELS).items() if name in known}
    for name in fleet.chosen(MODELS, wanted, "random"):
        found[name] = size(recipe.load(MODELS, name))
        print(name, found[name], flush=True)
        files.write_text(MODELS / sizes.FILE, sizes.text(found))  # at once: all of them take minutes


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))

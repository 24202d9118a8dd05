"""Run as a script where TensorFlow is, with MODELS RESULT.json NAME...: the variables of these recipes' networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tf2torch import recipe
from tf2torch.export.tensorflow import tf
from tf2torch.zoo import networks


def describe(found: recipe.Recipe) -> dict[str, Any]:
    network = networks.build(found)
    variables = network.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    return {
        "variables": {variable.op.name: variable.shape.as_list() for variable in variables},
        "input": network.images.shape.as_list(),
        "logits": network.logits.shape.as_list(),
        "random operations": [op.name for op in tf.graph_util.extract_sub_graph(
            network.graph.as_graph_def(), [network.logits.op.name]).node if op.op.startswith("Random")],
    }  # fmt: skip


if __name__ == "__main__":
    models = Path(sys.argv[1])
    described = {name: describe(recipe.load(models, name)) for name in sys.argv[3:]}
    Path(sys.argv[2]).write_text(json.dumps(described))

"""The image classifiers of the recipes, with random weights: no permute is left, and all is computed as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.passes.network import converted, seeded
from tf2torch import recipe as recipes
from tf2torch.export import random_weights
from tf2torch.ir.printer import text
from tf2torch.passes.permutes import residual_permutes
from tf2torch.zoo import networks

MODELS = Path(__file__).parents[2] / "models"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated:UserWarning")  # by tf_slim
@pytest.mark.parametrize(("name", "tolerance"), [("inception_v3", 1e-5), ("resnet_v1_50", 2e-5)])
def test_nothing_is_permuted(name: str, tolerance: float) -> None:
    recipe = recipes.load(MODELS, name)
    built = networks.build(recipe)
    network = converted(built.graph, [built.images.name], [built.logits.name], random_weights.values(recipe, 0))
    assert residual_permutes(network.lowered) == 0, text(network.lowered)
    batch_norms = sum(node.op == "F.batch_norm" for node in network.lowered.nodes)
    assert batch_norms == sum(name.endswith("moving_mean") for name in network.weights) > 0
    network.check(seeded(2, recipe.input_size, recipe.input_size, 3), tolerance=tolerance)

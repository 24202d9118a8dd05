"""Whole recipes through the native engine: other sizes than that of the conversion, a frozen graph as the source."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from tf2torch import emit, images, passes, recipe
from tf2torch.export import checkpoint, graph, random_weights, sources
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir import store
from tf2torch.job import Job
from tf2torch.zoo import networks

# Inside of tf_slim, which calls what TensorFlow has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:`(layer.apply|tf.layers.flatten)` is deprecated")

ROOT = Path(__file__).parents[2]
SIZES = (223, 225, 239, 256, 299)
QUICK = ("inception_v1", "resnet_v1_50")
OTHERS = [name for name in recipe.names(ROOT / "models") if name not in QUICK]


@cache
def weights(name: str) -> dict[str, Any]:
    return random_weights.values(recipe.load(ROOT / "models", name), seed=0)


def loaded(name: str, size: int | None = None) -> checkpoint.Loaded:
    """The recipe's network with seeded weights, perhaps for images of another size."""
    found = recipe.load(ROOT / "models", name)
    network = networks.build(found if size is None else replace(found, input_size=size))
    with network.graph.as_default():
        tf.identity(network.logits, name=checkpoint.OUTPUT)
    return checkpoint.Loaded(network.graph, network.images.op.name, weights(name))


def new_job(name: str, folder: Path, source: Path | None = None) -> Job:
    found = recipe.load(ROOT / "models", name)
    job = Job(found, "native", "random", 0, None, "cpu", ROOT / "models", folder, folder, source)
    return replace(job, output_names=(f"{checkpoint.OUTPUT}:0",))


def of_variables(name: str) -> sources.Source:
    info = {"name": name, "batch_norm_decay": recipe.load(ROOT / "models", name).bn_decay}
    return sources.Source(sources.inference(loaded(name)), info)


def converted(name: str, source: sources.Source, folder: Path) -> ModuleType:
    """The generated module, by way of the files that one side hands to the other."""
    folder.mkdir(exist_ok=True)
    store.save(*graph.read(source.inference, source.info), folder)
    title = emit.Title(recipe.load(ROOT / "models", name), {}, "random, seed 0")
    emit.write(*passes.run(*store.load(folder)), title, folder)
    specification = importlib.util.spec_from_file_location(f"converted_{folder.name}", folder / "converted_pytorch.py")
    assert specification is not None
    module = importlib.util.module_from_spec(specification)
    assert specification.loader is not None
    specification.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_residual_network_is_right_at_other_sizes(tmp_path: Path) -> None:
    """TensorFlow pads for the size at hand; a padding frozen at 224 is wrong by 9 % at 225."""
    name = "resnet_v1_50"
    network = converted(name, of_variables(name), tmp_path).load()
    for size in SIZES:
        batch = images.network_input(images.seeded(1, 2, size), "vgg")
        there = loaded(name, size)
        with session(there.graph) as running:
            checkpoint.assign(there, running)
            wanted = running.run(f"{checkpoint.OUTPUT}:0", {f"{there.input_name}:0": batch})
        with torch.inference_mode():
            found = network(torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))).numpy()
        np.testing.assert_allclose(found, wanted, rtol=0, atol=3e-5 * np.abs(wanted).max(), err_msg=str(size))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.zoo) for name in OTHERS)])
def test_a_frozen_graph_gives_the_same_files(name: str, tmp_path: Path) -> None:
    there = loaded(name)
    with session(there.graph) as running:
        checkpoint.assign(there, running)
        frozen = tf.graph_util.convert_variables_to_constants(running, there.graph.as_graph_def(), [checkpoint.OUTPUT])
    path = tmp_path / "frozen.pb"
    path.write_bytes(frozen.SerializeToString())
    converted(name, of_variables(name), tmp_path / "variables")
    converted(name, sources.from_file(new_job(name, tmp_path, path), path), tmp_path / "constants")
    for file in ("converted_pytorch.py", "converted_pytorch.safetensors"):
        assert (tmp_path / "constants" / file).read_bytes() == (tmp_path / "variables" / file).read_bytes(), file

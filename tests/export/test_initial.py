"""The recipe that `init` writes: what it knows, what it guesses and says so, and that a conversion takes it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import graphs
import pytest

from tf2torch import recipe
from tf2torch.errors import InputError, UsageError
from tf2torch.export import initial, sources, zoo_match
from tf2torch.export.tensorflow import tf
from tf2torch.zoo import networks

pytestmark = pytest.mark.filterwarnings("ignore:`.*` is deprecated and will be removed")  # by tf_slim

MODELS = Path(__file__).parents[2] / "models"
LENET = recipe.load(MODELS, "lenet")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of recipes with lenet's, and one that does not load."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(MODELS / "lenet.toml", folder)
    (folder / "broken.toml").write_text("network = 1")
    return folder


def job(models: Path, source: Path | None, name: str = "mine") -> Any:
    made = graphs.job(models, source or models)
    return replace(made, recipe=replace(made.recipe, name=name), source=source)


def written(models: Path, source: Path, name: str = "mine") -> recipe.Recipe:
    """The recipe as it is read again."""
    assert initial.show(job(models, source, name), force=False, to_stdout=False) == 0
    return recipe.load(models, name)


def small(folder: Path, *, training: bool, side: int | None = 16) -> Path:
    with tf.Graph().as_default() as graph:
        images = tf.placeholder(tf.float32, [None, side, side, 3], name="images")
        if side is None:
            images = tf.image.resize(images, [16, 16])
        graphs.network(images, training)
        return graphs.save(graph, folder / "own.ckpt")


def lenet(folder: Path, *, classes: int = 10, scope: str = "LeNet") -> Path:
    """A checkpoint of it, without its graph."""
    variables = networks.build(replace(LENET, classes=classes)).graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)
    with tf.Graph().as_default() as graph:
        for each in variables:
            tf.get_variable(each.op.name.replace("LeNet", scope), each.shape.as_list())
        tf.get_variable("global_step", [], trainable=False)
        meta = graphs.save(graph, folder / "weights.ckpt")
    meta.unlink()
    return meta.with_suffix("")


def test_of_a_graph(models: Path, tmp_path: Path) -> None:
    meta = small(tmp_path, training=True)
    found = written(models, meta)
    assert found == recipe.Recipe("mine", "", 5, 16, "none", "logits", bn_decay=graphs.DECAY)
    loaded = sources.load(replace(job(models, meta), recipe=found))
    assert loaded.info["output_chosen_by"] == "the recipe"
    meta.with_suffix(".index").unlink()  # nothing is read of the weights but that they are there
    assert "models/own" not in initial.infer(job(models, meta))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("my_inception", [("inception", True)]),
        ("vgg_19_tuned", [("vgg", True)]),
        ("net", [("none", False)]),
    ],
)
def test_a_guess_is_marked_as_one(models: Path, tmp_path: Path, name: str, expected: list[tuple[str, bool]]) -> None:
    found = written(models, small(tmp_path, training=False, side=None), name)
    assert [(found.preprocessing, found.guessed)] == expected
    assert not found.says_preprocessing
    assert found.input_size == 224
    text = (models / f"{name}.toml").read_text()
    assert "a guess: the graph leaves it open" in text
    assert "# bn_decay = 0.999" in text


def test_no_picture(models: Path, tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        tokens = tf.placeholder(tf.float32, [None, None, 8], name="tokens")
        tf.nn.relu(tf.matmul(tf.reshape(tokens, [-1, 8]), graphs.variable("table", 8, 1)), name="scores")
        meta = graphs.save(graph, tmp_path / "text.ckpt")
    found = written(models, meta)
    assert (found.classes, found.preprocessing, found.input_shape) == (0, "none", (16, 8))


@pytest.mark.parametrize(
    ("checkpoint", "classes", "scope_map"),
    [({}, 10, {}), ({"classes": 3}, 3, {}), ({"scope": "tower/Net"}, 10, {"tower/Net": "LeNet"})],
    ids=["published", "other classes", "other scopes"],
)
def test_of_a_checkpoint_of_the_zoo(
    models: Path, tmp_path: Path, checkpoint: dict[str, Any], classes: int, scope_map: dict[str, str]
) -> None:
    found = written(models, lenet(tmp_path, **checkpoint), "lenet_of_mine")
    assert found == replace(LENET, name="lenet_of_mine", classes=classes, scope_map=scope_map)


def test_variables_of_no_network(models: Path, tmp_path: Path) -> None:
    small(tmp_path, training=False).unlink()
    with pytest.raises(InputError, match=r"variables .*bias.* of no network of the zoo"):
        initial.infer(job(models, tmp_path / "own.ckpt"))
    with pytest.raises(UsageError, match="SOURCE="):
        initial.infer(job(models, None))


def test_nothing_is_overwritten(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = job(models, small(tmp_path, training=False))
    (models / "mine.toml").write_text("precious")
    with pytest.raises(UsageError, match="FORCE=1"):
        initial.show(given, force=False, to_stdout=True)
    initial.show(given, force=True, to_stdout=True)
    assert (models / "mine.toml").read_text() == "precious"
    assert capsys.readouterr().out.startswith("# Inferred from own.ckpt")
    initial.show(given, force=True, to_stdout=False)
    assert recipe.load(models, "mine").classes == 5


def test_candidates_by_scope_before_those_by_name() -> None:
    shapes = {"MobilenetV2/Conv/weights": [3, 3, 3, 32], "global_step": []}
    found = zoo_match.candidates(MODELS, "vgg_16", "mobilenet_v2_0.75_128.ckpt", shapes)
    assert found[0][0].name == "mobilenet_v2_0.75_128"
    assert {each.options["multiplier"] for each in found[0]} == {0.75}, "one network in several sizes is built once"
    assert all(each.network == "mobilenet_v2" for each in found[1])
    found = zoo_match.candidates(MODELS, "of_mine_vgg_16", "", {})
    assert [[each.network for each in group] for group in found] == [["vgg_16"]]


def test_a_network_in_several_sizes(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables do not tell the size of the input. A name may; else it is the largest, and the others are said."""
    prefix = lenet(tmp_path)
    shapes = zoo_match.needed(LENET)
    monkeypatch.setattr(zoo_match, "needed", lambda _: shapes)
    text = (models / "lenet.toml").read_text().replace("input_shape = [28, 28, 1]", "input_size = SIDE")
    (models / "lenet.toml").unlink()
    for side in (64, 128, 96):
        (models / f"lenet_{side}.toml").write_text(text.replace("SIDE", str(side)))
    text = initial.infer(job(models, prefix, "flowers"))
    assert "input_size = 128  # of models/lenet_128.toml; the checkpoint does not say it, and others" in text
    assert "variables have 64, 96\n" in text
    assert "input_size = 96" in initial.infer(job(models, prefix, "flowers_lenet_96"))


def test_averages_alone(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """EMA=1 and SCOPE_MAP= are what they are for a conversion, and the command of it says so."""
    made = lenet(tmp_path, scope="net/LeNet")
    reader = tf.train.load_checkpoint(str(made))
    values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    with tf.Graph().as_default() as graph:
        for name, value in values.items():
            tf.get_variable(f"{name}/ExponentialMovingAverage", initializer=tf.constant(value))
        graphs.save(graph, made).unlink()
    given = job(models, made)
    said = replace(given, moving_averages=True, recipe=replace(given.recipe, scope_map={"net": ""}))
    text = initial.infer(said)
    assert "SOURCE=weights.ckpt EMA=1\n" in text
    (models / "mine.toml").write_text(text)
    assert recipe.load(models, "mine") == replace(LENET, name="mine", scope_map={"net": ""})
    monkeypatch.setenv("TF2TORCH_COMMAND", "make init SOURCE=runs/a.ckpt EMA=1 FORCE=1")
    assert "# To convert: make convert SOURCE=runs/a.ckpt EMA=1\n" in initial.infer(said)

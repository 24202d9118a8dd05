"""A checkpoint of the user's own, for a network of ours: from the command line to the values that it gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphs
import numpy as np
import own_checkpoints
import pytest
import tiny_network
from own_checkpoints import CASES

from tf2torch import options
from tf2torch.errors import InputError, UsageError
from tf2torch.export import checkpoint, fitting, random_weights, sources
from tf2torch.export.tensorflow import session, tf
from tf2torch.job import Job

pytestmark = [
    pytest.mark.usefixtures("nothing_said"),
    pytest.mark.filterwarnings("ignore:`layer.apply` is deprecated"),  # tf_slim's own call
]
RECIPE = """
network = "tiny"
classes = 11
input_size = 20
preprocessing = "inception"
output = "Tiny/SpatialSqueeze"
aux_output = "Tiny/auxiliary/Relu"
"""


@pytest.fixture
def nothing_said(workplace: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # the folder it runs in
    for variable in ("MODEL", "ENGINE"):
        monkeypatch.delenv(variable)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    """Those that the output needs."""
    found = random_weights.values(tiny_network.RECIPE, 0)
    return {name: value for name, value in found.items() if "auxiliary" not in name}


def write(prefix: Path, variables: own_checkpoints.Arrays, version: int = 2, *, state: bool = False) -> None:
    prefix.parent.mkdir(exist_ok=True)
    with tf.Graph().as_default() as graph, session(graph) as running:
        made = [tf.get_variable(name, initializer=tf.constant(value)) for name, value in variables.items()]
        running.run(tf.global_variables_initializer())
        saver = tf.train.Saver(made, write_version=version)
        saver.save(running, str(prefix), write_meta_graph=False, write_state=state)


def job(folder: Path, recipe: str = "", **said: str) -> Job:
    """As the command line makes it of these variables."""
    (folder / "models").mkdir(exist_ok=True)
    (folder / "models" / "tiny.toml").write_text(RECIPE + recipe)
    words = [
        f"--{name.lower().replace('_', '-')}={value}"
        for name, value in said.items()
        if name not in ("EMA", "AUX_LOGITS")
    ]
    words += [f"--{name.lower().replace('_', '-')}" for name in ("EMA", "AUX_LOGITS") if said.get(name)]
    given = options.parser().parse_args([*words, "--models-folder", str(folder / "models")])
    given.model = options.model(given)
    return options.job(given)


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_for_a_network_of_ours(
    tmp_path: Path,
    weights: dict[str, Any],
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case = CASES[name]
    write(tmp_path / "runs" / "own.ckpt-7", case.stored(weights), case.version)
    asked = job(tmp_path, case.recipe, SOURCE=str(tmp_path / "runs" / "own.ckpt-7"), NETWORK="tiny", **case.said)
    assert (asked.name, asked.source) == ("own", None)
    if case.taken is None:
        with pytest.raises(InputError) as caught:
            checkpoint.load(asked)
        said = str(caught.value)
        assert said.startswith(("The checkpoint own.ckpt-7 ", "SCOPE_MAP: ", "EMA=1: "))
    else:
        found = checkpoint.load(asked).variables
        wanted = case.taken(weights)
        assert found.keys() == wanted.keys()
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
        assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}
        said = capfd.readouterr().err
    for words in case.words:
        assert words in said if words else not said


@pytest.mark.parametrize("source", ["own.ckpt-7", "own.ckpt-7.index", "own.ckpt-7.data-00000-of-00001", ""])
def test_any_of_its_files_names_a_checkpoint_and_so_does_its_folder(
    tmp_path: Path, weights: dict[str, Any], source: str
) -> None:
    for step in (6, 7):
        write(tmp_path / "runs" / f"own.ckpt-{step}", {**weights, "n": np.int32(step)}, state=True)
    asked = job(tmp_path, SOURCE=str(tmp_path / "runs" / source), NETWORK="tiny")
    assert asked.checkpoint == tmp_path / "runs" / "own.ckpt-7"
    assert asked.name == ("own" if source else "runs")
    assert checkpoint.opened(asked).values({"n": np.int32}) == {"n": 7}


def test_a_graph_beside_the_checkpoint_has_a_say_unless_a_network_is_named(tmp_path: Path) -> None:
    """Under other scopes, and with averages, too."""
    with tf.Graph().as_default() as graph:
        graphs.network(tf.placeholder(tf.float32, [None, 16, 16, 3], name="images"))
        meta = graphs.save(graph, tmp_path / "net.ckpt")
        values = {
            each.op.name: tf.train.load_variable(str(tmp_path / "net.ckpt"), each.op.name)
            for each in tf.global_variables()
        }
    write(tmp_path / "net.ckpt", {f"a/{name}{own_checkpoints.AVERAGE}": value for name, value in values.items()})
    said = {"SOURCE": str(meta), "SCOPE_MAP": "a=", "EMA": "1"}
    found = sources.load(job(tmp_path, **said)).inference.weights
    assert found.keys() == values.keys()
    assert all(np.array_equal(found[name], values[name]) for name in values)
    with pytest.raises(InputError, match=r"net\.ckpt does not fit the graph beside it: 12 of 12 variables"):
        sources.load(job(tmp_path, SOURCE=str(meta)))
    with pytest.raises(InputError, match=r"net\.ckpt does not fit the network tiny: 12 of 12 variables"):
        sources.load(job(tmp_path, **said, NETWORK="tiny", MODEL="mine"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda path: path.write_bytes(path.read_bytes()[:-200]),
            r"own\.ckpt cannot be read \(.*take another copy of it",
        ),
        (lambda path: path.unlink(), r"own\.ckpt cannot be read: not all of its \.data-\* files are there"),
        (
            lambda path: (path.unlink(), path.with_suffix(".index").unlink()),
            r"own\.ckpt cannot be read: it is not there",
        ),
    ],
    ids=["truncated", "without data", "gone"],
)
def test_a_damaged_checkpoint(tmp_path: Path, weights: dict[str, Any], damage: Any, words: str) -> None:
    write(tmp_path / "runs" / "own.ckpt", weights)
    damage(tmp_path / "runs" / "own.ckpt.data-00000-of-00001")
    with pytest.raises(InputError, match=words):
        checkpoint.load(job(tmp_path, SOURCE=str(tmp_path / "runs" / "own.ckpt"), NETWORK="tiny"))


def test_the_second_classifier(tmp_path: Path, weights: dict[str, Any]) -> None:
    """Is another output, after the first, and its variables are needed."""
    everything = random_weights.values(tiny_network.RECIPE, 0)
    write(tmp_path / "models" / "tiny.ckpt", everything)
    asked = job(tmp_path, MODEL="tiny", AUX_LOGITS="1")
    found = sources.load(asked).inference
    assert [item.name for item in found.outputs] == ["Tiny/SpatialSqueeze:0", "Tiny/auxiliary/Relu:0"]
    assert found.weights.keys() == everything.keys()
    write(tmp_path / "models" / "tiny.ckpt", weights)
    with pytest.raises(InputError, match=r"6 of 17|5 of 17"):
        sources.load(asked)


def test_scopes_that_explain_what_is_missing() -> None:
    shapes = {"net/a/w": [3, 4], "net/a/b": [4], "net/c/w": [3, 4], "head/w": [4, 2]}
    theirs = {name.replace("net/", "x/y/").replace("head", "top"): shape for name, shape in shapes.items()}
    assert fitting.renaming(shapes, theirs) == {"x/y": "net", "top": "head"}
    assert fitting.renaming(shapes, {**theirs, "top/w": [4, 3]}) == {"x/y": "net", "top": "head"}  # of other classes
    assert fitting.renaming(shapes, {**theirs, "top/w": [3, 2]}) == {}
    assert fitting.renaming({}, theirs) == {}


def test_wider_floats_are_cast_and_integers_are_of_another_network(tmp_path: Path, weights: dict[str, Any]) -> None:
    for dtype in (np.float64, np.float16, np.int32):
        write(tmp_path / "runs" / "own.ckpt", {name: value.astype(dtype) for name, value in weights.items()})
        asked = job(tmp_path, SOURCE=str(tmp_path / "runs" / "own.ckpt"), NETWORK="tiny")
        if dtype is np.int32:
            with pytest.raises(InputError, match=r"has int32 for Tiny.*, which is float32 .*more such"):
                checkpoint.load(asked)
        else:
            assert {value.dtype.name for value in checkpoint.load(asked).variables.values()} == {"float32"}


def test_the_same_where_the_graph_is_beside_it(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        graphs.network(tf.placeholder(tf.float32, [None, 16, 16, 3], name="images"))
        meta = graphs.save(graph, tmp_path / "net.ckpt")
        reader = tf.train.load_checkpoint(str(tmp_path / "net.ckpt"))
        values = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    write(tmp_path / "net.ckpt", {name: value.astype(np.float64) for name, value in values.items()})
    found = sources.load(job(tmp_path, SOURCE=str(meta))).inference.weights
    assert all(np.array_equal(found[name], values[name]) for name in found)
    write(tmp_path / "net.ckpt", {name: value.astype(np.int64) for name, value in values.items()})
    with pytest.raises(InputError, match="has int64"):
        sources.load(job(tmp_path, SOURCE=str(meta)))


def test_a_folder_that_names_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="is a folder without a file `checkpoint`"):
        checkpoint.opened(job(tmp_path, SOURCE=str(tmp_path / "empty"), NETWORK="tiny"))


@pytest.mark.parametrize("said", ["20,20", "20,20,3,1"])
def test_a_shape_that_the_network_does_not_take(tmp_path: Path, said: str) -> None:
    asked = job(tmp_path, MODEL="mine", NETWORK="tiny", INPUT_SHAPE=said, WEIGHTS="random")
    with pytest.raises(
        UsageError, match=rf"tiny cannot be built for inputs of {said.replace(',', ' x ')} \(.*INPUT_SHAPE"
    ):
        checkpoint.load(asked)

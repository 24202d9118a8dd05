"""From files of the user's own to an inference graph of ours."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest

from tf2torch.errors import InputError, UsageError
from tf2torch.export import inputs, sources
from tf2torch.export.tensorflow import session, tf
from tf2torch.ir import store

INFERENCE = ["Conv2D", "FusedBatchNormV3", "Relu"] * 2 + ["Reshape", "MatMul", "AddV2"]


@pytest.fixture
def inference(tmp_path: Path) -> tuple[Path, Path]:
    """A meta graph of the network at inference, and the frozen one."""
    return both(tmp_path)


def both(folder: Path, **options: Any) -> tuple[Path, Path]:
    with tf.Graph().as_default() as graph:
        graphs.network(tf.placeholder(tf.float32, [None, 16, 16, 3], name="images"), **options)
        meta = graphs.save(graph, folder / "net.ckpt")
        return meta, graphs.freeze(graph, folder / "net.ckpt", "logits", folder / "frozen.pb")


@pytest.mark.parametrize("resource", [False, True])
def test_frozen_or_not_is_the_same_graph(tmp_path: Path, *, resource: bool) -> None:
    meta, frozen = both(tmp_path, resource=resource)
    (ours, weights), (theirs, baked) = graphs.export(tmp_path, meta), graphs.export(tmp_path, frozen)
    assert graphs.described(ours) == graphs.described(theirs)
    assert graphs.ops(ours) == INFERENCE
    assert weights.keys() == baked.keys()
    assert all((weights[name] == baked[name]).all() for name in weights)


def test_kinds_and_names_of_weights(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    graph, weights = graphs.export(tmp_path, inference[0])
    kinds = {param.ref.tensor: param.kind for param in graph.params.values()}
    assert {name for name, kind in kinds.items() if kind == "buffer"} == {
        f"conv{index}/moving_{which}" for index in (1, 2) for which in ("mean", "variance")
    }
    assert set(kinds.values()) == {"trainable", "buffer"}
    assert {value.name for value in graph.params} == kinds.keys() == weights.keys()


def test_a_graph_survives_the_disk(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    graph, weights = graphs.export(tmp_path, inference[0])
    store.save(graph, weights, tmp_path)
    assert graphs.described(store.load(tmp_path)[0]) == graphs.described(graph)


@pytest.mark.parametrize("training", ["always", "by placeholder", "by default"])
@pytest.mark.parametrize("resource", [False, True])
def test_a_training_graph_becomes_an_inference_graph(tmp_path: Path, training: str, *, resource: bool) -> None:
    """Queue, labels, loss, optimizer, dropout, statistics of the batch and the saver are gone."""
    with tf.Graph().as_default() as graph:
        pixels = tf.constant(np.zeros((8, 16, 16, 3), np.float32))
        image, label = tf.train.slice_input_producer([pixels, tf.constant(np.zeros(8, np.int64))])
        images, labels = tf.train.batch([image, label], 4)
        flag: Any = {
            "always": True,
            "by placeholder": tf.placeholder(tf.bool, name="is_training"),
            "by default": tf.placeholder_with_default(True, [], name="training"),
        }[training]
        logits = graphs.network(images, flag, dropout=True, resource=resource)
        probabilities = tf.reshape(tf.nn.softmax(logits), [4, 5], name="probabilities")
        loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
        tf.summary.histogram("logits", logits)
        tf.summary.scalar("sparsity", tf.nn.zero_fraction(probabilities))
        tf.reduce_mean(tf.cast(tf.equal(tf.argmax(probabilities, 1), labels), tf.float32), name="accuracy")
        with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
            tf.train.AdamOptimizer().minimize(loss)
        meta = graphs.save(graph, tmp_path / "train.ckpt")
    exported, weights = graphs.export(tmp_path, meta)
    assert graphs.ops(exported) == [*INFERENCE, "Softmax", "Reshape"]
    assert [str(value.type) for value in exported.inputs] == ["float32[?, 16, 16, 3]"]
    assert [(value.name, str(value.type)) for value in exported.outputs] == [("probabilities", "float32[?, 5]")]
    assert {node.attrs.get("decay") for node in exported.nodes if "Norm" in node.op} == {graphs.DECAY}
    assert exported.info["batch_norm_decay"] == graphs.DECAY
    assert exported.info["batch_norm_decay_source"] == "training graph"
    normalised = [node.inputs[3].name for node in exported.nodes if "Norm" in node.op]
    assert normalised == ["conv1/moving_mean", "conv2/moving_mean"]
    assert len(weights) == 12


@pytest.mark.parametrize("form", ["rate", "keep", "select"])
def test_dropout_in_every_form_is_its_input(tmp_path: Path, form: str) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 8], name="x")
        keep = tf.placeholder(tf.float32, name="keep_prob")
        uniform = tf.random.uniform(tf.shape(x))
        scaled = tf.div(x, keep)
        dropped = {
            "rate": tf.nn.dropout(x, rate=1 - keep),
            "keep": scaled * tf.floor(keep + uniform),
            "select": tf.where(uniform >= keep, scaled, tf.zeros_like(scaled)),
        }[form]
        tf.nn.relu(dropped, name="out")
    exported, _ = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"), output_names=("out",))
    assert graphs.ops(exported) == ["Relu"]
    assert [value.name for value in exported.inputs] == ["x"]


def test_a_variable_read_twice_is_one_weight(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        ids = tf.placeholder(tf.int32, [None], name="ids")
        for resource in (False, True):
            table = graphs.variable(f"table_{resource}", 7, 7, resource=resource)
            found = tf.nn.embedding_lookup(table, ids)
            tf.matmul(found, table, name=f"out_{resource}")
        meta = graphs.save(graph, tmp_path / "tied.ckpt")
    exported, _ = graphs.export(tmp_path, meta, output_names=("out_False", "out_True"))
    assert [value.name for value in exported.params] == ["table_False", "table_True"]
    users = exported.users()
    assert [[node.op for node in users[value]] for value in exported.params] == [["GatherV2", "MatMul"]] * 2
    assert [value.type.dtype for value in exported.inputs] == ["int32"]


def write(graph: Any, path: Path) -> Path:
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def test_known_integers_are_folded_and_open_sizes_kept(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 6, 4], name="x")
        known = tf.reduce_prod(tf.constant([2, 3])) * tf.constant(2)
        size = tf.shape(x)
        tf.reshape(x, tf.stack([size[0], known, -1]), name="y")
        tf.reduce_sum(tf.get_default_graph().get_tensor_by_name("y:0"), tf.range(1, tf.rank(x)), name="z")
    exported, _ = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"), output_names=("z",))
    assert graphs.ops(exported) == ["Shape", "StridedSlice", "Pack", "Reshape", "Sum"]
    constants = [node.attrs["value"].tolist() for node in exported.nodes if node.op == "Const"]
    assert 12 in constants
    assert [1, 2] in constants


def test_arithmetic_on_floats_is_not_folded(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        tf.multiply(x, tf.rsqrt(tf.constant([1.0, 2.0, 3.0]) + 0.001), name="y")
    exported, _ = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"))
    assert graphs.ops(exported) == ["AddV2", "Rsqrt", "Mul"]


def test_large_constants_are_buffers(tmp_path: Path) -> None:
    table = np.arange(100, dtype=np.float32)
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 100], name="x")
        tf.add(x * tf.constant(table, name="table"), tf.constant(2.0, shape=[100], name="same"), name="y")
    exported, weights = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"))
    assert [(value.name, param.kind) for value, param in exported.params.items()] == [("table", "buffer")]
    assert (weights["table"] == table).all()


def test_attributes_are_python_values(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4, 4, 2], name="x")
        y = tf.nn.leaky_relu(tf.nn.max_pool2d(x, 2, 2, "SAME"), 0.1)
        tf.cast(y, tf.float64, name="y")
    exported, _ = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"))
    pool, relu, cast = exported.nodes
    assert pool.attrs["ksize"] == (1, 2, 2, 1)
    assert pool.attrs["padding"] == "SAME"
    assert relu.attrs["alpha"] == 0.1
    assert cast.attrs["DstT"] == "float64"
    assert pool.scope == ()
    assert [value.ref.tensor for value in exported.outputs if value.ref] == ["y:0"]


def test_a_graph_is_cut_at_any_tensors(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    cut = {"input_names": ("conv1/Relu:0",), "output_names": ("conv2/Conv2D", "conv2/Relu")}
    exported, weights = graphs.export(tmp_path, inference[0], **cut)
    assert graphs.ops(exported) == INFERENCE[3:6]
    assert [str(value.type) for value in exported.inputs] == ["float32[?, 8, 8, 4]"]
    assert [value.name for value in exported.outputs] == ["conv2/Conv2D", "conv2/Relu"]
    assert all(name.startswith("conv2/") for name in weights)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output_names": ("logit",)}, "Did you mean logits?"),
        ({"input_names": ("conv2/Relu",), "output_names": ("conv1/Relu",)}, "does not depend on"),
    ],
)
def test_tensors_that_are_not_there(
    tmp_path: Path, inference: tuple[Path, Path], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        graphs.export(tmp_path, inference[0], **changes)


def test_candidates_are_listed(inference: tuple[Path, Path]) -> None:
    (found,) = sources.inspect(inference[1])
    assert (found.tensor.name, found.shape, found.distance) == ("logits:0", (None, 5), 9)


def test_checkpoints_of_the_first_version(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        graphs.network(tf.placeholder(tf.float32, [None, 16, 16, 3], name="images"))
        meta = graphs.save(graph, tmp_path / "old.ckpt", version=1)
    _, weights = graphs.export(tmp_path, meta)
    assert len(weights) == 12


def test_files_that_are_no_graph(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    meta, frozen = inference
    broken = {
        "truncated.pb": frozen.read_bytes()[:-100],
        "shorter.pb": frozen.read_bytes()[: frozen.stat().st_size // 3],
        "text.pb": b"no graph at all",
        "empty.pb": b"",
        "alone.meta": meta.read_bytes(),
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=name.split(".")[0]):
            graphs.export(tmp_path, tmp_path / name)
    with pytest.raises(InputError, match="There is no"):
        graphs.export(tmp_path, tmp_path / "absent.pb")
    with pytest.raises(InputError, match="is a folder without a file `checkpoint`"):
        graphs.export(tmp_path, tmp_path)
    meta.unlink()
    with pytest.raises(InputError, match=r"There is no .*net\.ckpt\.meta\. .*NETWORK= names"):
        graphs.export(tmp_path, tmp_path / "net.ckpt")


def test_a_checkpoint_that_lacks_variables_or_has_others(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    with tf.Graph().as_default() as graph, session(graph):
        graphs.variable("bias", 6)
        graphs.save(graph, tmp_path / "other.ckpt").unlink()
    (tmp_path / "other.ckpt.meta").write_bytes(inference[0].read_bytes())
    with pytest.raises(InputError, match=r"(?s)does not fit .*conv1/weights is missing"):
        graphs.export(tmp_path, tmp_path / "other.ckpt")


def test_random_weights_need_no_checkpoint(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    alone = tmp_path / "alone.meta"
    alone.write_bytes(inference[0].read_bytes())
    _, weights = graphs.export(tmp_path, alone, weights="random")
    assert weights["conv1/weights"].shape == (3, 3, 3, 4)


def test_a_frozen_graph_whose_reads_are_gone(tmp_path: Path, inference: tuple[Path, Path]) -> None:
    """Then what is used as a weight is one."""
    definition = tf.GraphDef.FromString(inference[1].read_bytes())
    reads = {node.name: node.input[0] for node in definition.node if node.op == "Identity"}
    for node in definition.node:
        node.input[:] = [reads.get(name, name) for name in node.input]
    (tmp_path / "stripped.pb").write_bytes(definition.SerializeToString())
    frozen, _ = graphs.export(tmp_path, inference[1], output_names=("logits",))
    stripped, _ = graphs.export(tmp_path, tmp_path / "stripped.pb", output_names=("logits",))
    assert graphs.described(frozen) == graphs.described(stripped)


def test_text_among_the_constants(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None], name="x")
        tf.strings.join([tf.as_string(x), tf.constant(["\N{DEGREE SIGN}C"])], name="y")
    exported, weights = graphs.export(tmp_path, write(graph, tmp_path / "g.pb"), output_names=("y",))
    store.save(exported, weights, tmp_path)
    (text,) = [node.attrs["value"].tolist() for node in store.load(tmp_path)[0].nodes if node.op == "Const"]
    assert text == ["\N{DEGREE SIGN}C"]
    assert exported.outputs[0].type.dtype == "string"


def test_what_only_training_computes_is_no_output(tmp_path: Path) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        training = tf.placeholder_with_default(False, [], name="training")
        tf.cond(training, lambda: tf.multiply(x, 2.0, name="doubled"), lambda: x + 1.0)
    path = write(graph, tmp_path / "g.pb")
    exported, _ = graphs.export(tmp_path, path, output_names=("cond/Merge",))
    assert graphs.ops(exported) == ["AddV2", "Identity"]
    with pytest.raises(InputError, match="in training only"):
        graphs.export(tmp_path, path, output_names=("cond/doubled",))


def test_a_weight_that_is_a_single_number(tmp_path: Path) -> None:
    """It stays one on the disk, where numpy likes to make a row of it."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4], name="x")
        tf.multiply(x, graphs.variable("scale"), name="y")
        meta = graphs.save(graph, tmp_path / "net.ckpt")
        frozen = graphs.freeze(graph, tmp_path / "net.ckpt", "y", tmp_path / "frozen.pb")
    for path in (meta, frozen):
        store.save(*graphs.export(tmp_path, path), tmp_path)
        loaded, weights = store.load(tmp_path)
        assert (weights["scale"].shape, [str(value.type) for value in loaded.params]) == ((), ["float32[]"])


@pytest.mark.parametrize("variable", ["EMA", "SCOPE_MAP"])
def test_a_frozen_graph_has_no_checkpoint_to_say_more_of(
    tmp_path: Path, inference: tuple[Path, Path], variable: str
) -> None:
    said = replace(graphs.job(tmp_path, inference[1]), said={variable: "1"})
    with pytest.raises(UsageError, match=f"no checkpoint for {variable}"):
        sources.load(said)


@pytest.mark.parametrize(("shape", "words"), [((16, 16, 3), ""), ((8, 8, 3), "images:0 is 16 x 16 x 3")])
def test_what_is_said_of_the_input_is_what_the_graph_takes(
    tmp_path: Path, inference: tuple[Path, Path], shape: tuple[int, ...], words: str
) -> None:
    made = graphs.job(tmp_path, inference[0])
    said = replace(made, recipe=replace(made.recipe, input_size=shape[0]), said={"INPUT_SHAPE": str(shape[0])})
    found = sources.load(said).inference
    if words:
        with pytest.raises(UsageError, match=words):
            inputs.seeded_inputs(found, said, 1)
    else:
        assert inputs.seeded_inputs(found, said, 1)[0].shape == (1, *shape)

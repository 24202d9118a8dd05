"""The recipe of a model of the user's own, the files of a checkpoint, and what a job is made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tf2torch import cli, engines, files, options, own, prefix, stage
from tf2torch.errors import UsageError
from tf2torch.job import Job
from tf2torch.recipe import Recipe, load

TABLE = bytes(100) + bytes.fromhex("57fb808b247547db")  # a checkpoint of version 1 ends so
NET = 'network = "net"\nclasses = 1001\ninput_size = 224\npreprocessing = "inception"\noutput = "net/logits"\n'
RECIPES = {
    "net": NET + 'aux_output = "net/aux"\n[weights]\nurl = "https://example.org/net.tar.gz"\nfile = "net.ckpt"\n',
    "wide_0.5": NET.replace('"net"', '"wide"') + "options = {multiplier = 0.5}\n",
    "wide_1.0": NET.replace('"net"', '"wide"').replace("224", "192"),
    "deep_a": NET.replace('"net"', '"deep"'),
    "deep_b": NET.replace('"net"', '"deep"').replace("224", "96"),
}


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for name, text in RECIPES.items():
        files.write_text(tmp_path / "models" / f"{name}.toml", text)
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("model", "said", "wanted"),
    [
        ("mine", {"NETWORK": "net"}, {"network": "net", "input_size": 224, "classes": 1001, "weights": None}),
        ("mine", {"NETWORK": "wide_0.5"}, {"network": "wide", "options": {"multiplier": 0.5}}),
        (
            "mine",
            {"NETWORK": "deep", "INPUT_SHAPE": "160"},
            {"network": "deep", "input_size": 160, "input_shape": None},
        ),
        ("mine", {"NETWORK": "net", "INPUT_SHAPE": "99,99,3"}, {"input_size": 99, "input_shape": None}),
        ("mine", {"NETWORK": "net", "INPUT_SHAPE": "32,99,3"}, {"input_size": 0, "input_shape": (32, 99, 3)}),
        ("mine", {"NETWORK": "net", "NUM_CLASSES": "5", "PREPROCESS": "vgg"}, {"classes": 5, "preprocessing": "vgg"}),
        ("mine", {"NETWORK": "net", "SCOPE_MAP": "a/b=c, =d,e/="}, {"scope_map": {"a/b": "c", "": "d", "e": ""}}),
        ("net", {"NETWORK": "net"}, {"weights": load}),  # a recipe's own weights stay
        ("net", {"NUM_CLASSES": "5"}, {"classes": 5, "weights": load}),
    ],
)
def test_the_recipe_of_a_network(models: Path, model: str, said: dict[str, str], wanted: dict[str, Any]) -> None:
    found = own.recipe_of(models, model, None, said)
    assert found.name == model
    for name, value in wanted.items():
        assert getattr(found, name) == (load(models, model).weights if value is load else value)


@pytest.mark.parametrize(
    ("model", "said", "words"),
    [
        ("mine", {"NETWORK": "nett"}, "Unknown network 'nett': no recipe names it. Did you mean net?"),
        ("mine", {"NETWORK": "xyzzy"}, "Unknown network 'xyzzy': no recipe names it. `make list`"),
        (
            "mine",
            {"NETWORK": "wide"},
            "2 models, which differ in input_size and options. .*NETWORK=wide_0.5 or wide_1.0",
        ),
        ("mine", {"NETWORK": "wide", "INPUT_SHAPE": "128"}, "differ in options"),
        ("net", {"NETWORK": "deep"}, "NETWORK=deep is not what models/net.toml says: net"),
        ("mine", {}, "Unknown model 'mine'"),
        ("mine", {"NETWORK": "net", "NUM_CLASSES": "five"}, "NUM_CLASSES=five is not known. It is a number"),
        ("mine", {"NETWORK": "net", "NUM_CLASSES": "5,6"}, "NUM_CLASSES=5,6 is not known"),
        ("mine", {"NETWORK": "net", "INPUT_SHAPE": "224,0,3"}, "INPUT_SHAPE=224,0,3 is not known"),
        ("mine", {"NETWORK": "net", "SCOPE_MAP": "a"}, "SCOPE_MAP=a is not known"),
        ("mine", {"NETWORK": "net", "SCOPE_MAP": "a=b=c"}, "SCOPE_MAP=a=b=c is not known"),
        ("mine", {"NETWORK": "net", "SCOPE_MAP": "a=b,a=c"}, "each of theirs once"),
    ],
)
def test_what_cannot_be(models: Path, model: str, said: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("?", r"\?")):
        own.recipe_of(models, model, None, said)


def test_what_was_published_is_not_of_the_users_own(models: Path) -> None:
    text = RECIPES["net"] + "size = 7\n[accuracy]\ntop1 = 70\n"
    files.write_text(models / "net.toml", text)
    assert load(models, "net").accuracy
    assert own.recipe_of(models, "net", Path("own.ckpt"), {}).accuracy is None
    assert own.recipe_of(models, "mine", None, {"NETWORK": "net"}).accuracy is None


def test_how_photographs_become_inputs_of_a_graph_of_ones_own(models: Path) -> None:
    graph = Path("frozen.pb")
    assert not own.recipe_of(models, "mine", graph, {}).says_preprocessing
    assert own.recipe_of(models, "mine", graph, {"PREPROCESS": "vgg", "INPUT_SHAPE": "96"}).says_preprocessing
    assert not own.recipe_of(models, "mine", graph, {"PREPROCESS": "none"}).says_preprocessing
    with pytest.raises(UsageError, match="INPUT_SHAPE=224 does"):
        own.recipe_of(models, "mine", graph, {"PREPROCESS": "vgg"})


# ---- the files of a checkpoint


@pytest.mark.parametrize(
    "state", ['model_checkpoint_path: "{}"\n', 'a: 1\nmodel_checkpoint_path: "/gpu7/{}"\nall: "x"\n']
)
def test_the_latest_of_a_folder(tmp_path: Path, state: str) -> None:
    files.write_text(tmp_path / "run" / "checkpoint", state.format("model.ckpt-9"))
    assert prefix.of(tmp_path / "run") == tmp_path / "run" / "model.ckpt-9"
    assert prefix.of(tmp_path) == tmp_path


def test_the_latest_is_in_a_folder_of_its_own(tmp_path: Path) -> None:
    files.write_text(tmp_path / "checkpoint", 'model_checkpoint_path: "sub/model.ckpt-9"\n')
    assert prefix.of(tmp_path) == tmp_path / "model.ckpt-9"  # where there is none, the name alone counts
    files.write_text(tmp_path / "sub" / "model.ckpt-9.index", "")
    assert prefix.of(tmp_path) == tmp_path / "sub" / "model.ckpt-9"
    files.write_text(tmp_path / "checkpoint", f'model_checkpoint_path: "{tmp_path}/sub/model.ckpt-9"\n')
    assert prefix.of(tmp_path) == tmp_path / "model.ckpt-9"  # a folder that was copied means its own


def test_which_files_are_a_checkpoint(tmp_path: Path) -> None:
    names = ("x.ckpt-1.index", "x.ckpt-1.data-00000-of-00001", "x.ckpt-1.meta", "x.ckpt-10.index", "x.ckpt.py")
    for name in names:
        files.write_text(tmp_path / name, name)
    (tmp_path / "old.ckpt").write_bytes(TABLE)
    (tmp_path / "graph.pb").write_bytes(TABLE[::-1])
    assert {prefix.of(tmp_path / name).name for name in names[:3]} == {"x.ckpt-1"}
    assert [path.name for path in prefix.files(tmp_path / "x.ckpt-1")] == sorted(names[:3])
    found = [
        name
        for name in ("x.ckpt-1", "x.ckpt-10", "x.ckpt", "old.ckpt", "graph.pb")
        if prefix.is_checkpoint(tmp_path / name)
    ]
    assert found == ["x.ckpt-1", "x.ckpt-10", "old.ckpt"]


# ---- the job


@pytest.fixture
def job_of(models: Path, monkeypatch: pytest.MonkeyPatch, workplace: None) -> Callable[..., Job]:  # noqa: ARG001  # first
    for name, text in RECIPES.items():
        files.write_text(models / f"{name}.toml", text)
    for name in ("MODEL", "ENGINE"):
        monkeypatch.delenv(name)
    (models / "own.ckpt").write_bytes(TABLE)

    def make(*words: str) -> Job:
        given = options.parser().parse_args(words)
        given.model = options.model(given)
        return options.job(given)

    return make


@pytest.mark.parametrize(
    ("words", "name", "source", "checkpoint"),
    [
        (("--network", "net"), "net", None, None),
        (("--network", "deep", "--input-shape", "96"), "deep", None, None),
        (("--source", "models/own.ckpt"), "own", "own.ckpt", None),  # nobody says of which network
        (("--source", "models/own.ckpt", "--network", "net"), "own", None, "own.ckpt"),
        (("--source", "models/own.ckpt", "--model", "net"), "net", None, "own.ckpt"),  # the recipe does
        (("--source", "net.ckpt.meta", "--network", "net", "--model", "mine"), "mine", None, "net.ckpt"),
        (("--source", "frozen.pb", "--model", "net"), "net", "frozen.pb", None),
    ],
)
def test_what_a_source_is(
    job_of: Callable[..., Job], words: tuple[str, ...], name: str, source: str | None, checkpoint: str | None
) -> None:
    job = job_of(*words)
    assert (job.name, job.source and job.source.name, job.checkpoint and job.checkpoint.name) == (
        name,
        source,
        checkpoint,
    )


def test_what_was_said_is_on_record(job_of: Callable[..., Job]) -> None:
    job = job_of("--network", "net", "--num-classes", "5", "--ema", "--aux-logits")
    assert job.said == {"NETWORK": "net", "NUM_CLASSES": "5", "EMA": "1", "AUX_LOGITS": "1"}
    assert (job.moving_averages, job.classes_said, job.recipe.classes) == (True, True, 5)
    assert job.output_names == ("net/logits", "net/aux")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--network", "deep_a", "--aux-logits"), "no second classifier of deep_a is known"),
        (("--network", "net", "--aux-logits", "--output", "x"), "AUX_LOGITS=1 and OUTPUT= both"),
        (("--model", ".."), "MODEL=.. is no name for a model"),
        (("--model", "a/b", "--network", "net"), "MODEL=a/b is no name"),
        (("--model", "a b", "--network", "net"), "MODEL=a b is no name"),
        (("--source", "run/.."), r"What is run/\.\. to be called\? MODEL= says it"),
        (("--network", "net", "--weights", "random", "--ema", "--scope-map", "a=b"), "which EMA and SCOPE_MAP would"),
        (("--model", "own"), "models/own.ckpt is there, but nothing says of which network it is"),
        (("--source", "models/own.ckpt", "--engine", "mmdnn"), "The engine mmdnn has no SOURCE"),
    ],
)
def test_what_does_not_go_together(job_of: Callable[..., Job], words: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        job_of(*words)


def test_mmdnn_takes_a_checkpoint_of_a_network_of_ours(job_of: Callable[..., Job]) -> None:
    job = job_of("--source", "models/own.ckpt", "--network", "net", "--engine", "mmdnn")
    inputs = stage.key(engines.stages("mmdnn")["export"], job)["inputs"]
    assert set(inputs) == {"own.toml", "own.ckpt"}


@pytest.mark.parametrize("engine", ["native", "mmdnn"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"moving_averages": True}, {"options": "moving_averages"}),
        ({"classes_said": True}, {"options": "classes_said"}),
        ({"recipe": {"classes": 5}}, {"recipe": "classes"}),
        ({"recipe": {"scope_map": {"a": "b"}}}, {"recipe": "scope_map"}),
        ({"recipe": {"input_shape": (1, 2, 3)}}, {"recipe": "input_shape"}),
        ({"recipe": {"name": "mine"}}, {}),
    ],
)
def test_what_was_exported_otherwise_is_stale(
    new_job: Callable[..., Job], engine: str, changes: dict[str, Any], reason: dict[str, str]
) -> None:
    job, export = new_job(engine=engine), engines.stages(engine)["export"]
    changed = replace(job, **{**changes, "recipe": replace(job.recipe, **changes.get("recipe", {}))})
    before, after = (stage.key(export, each) for each in (job, changed))
    found = {
        part: name for part in ("options", "recipe") for name in after[part] if before[part][name] != after[part][name]
    }
    assert found == reason


@pytest.mark.usefixtures("job_of")
def test_a_checkpoint_is_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fetch", "--source", "models/own.ckpt", "--network", "net"]) == 0
    assert "nothing to fetch for SOURCE=models/own.ckpt" in capsys.readouterr().err


def test_a_recipe_whose_scopes_are_no_text(models: Path) -> None:
    files.write_text(models / "net.toml", NET + "scope_map = {a = 1}")
    with pytest.raises(UsageError, match="scope_map is no table of text"):
        load(models, "net")
    files.write_text(models / "net.toml", NET + 'scope_map = {"a/b" = "c"}')
    assert load(models, "net") == Recipe("net", "net", 1001, 224, "inception", "net/logits", scope_map={"a/b": "c"})


@pytest.mark.parametrize("name", [*own.VARIABLES, "EMA", "AUX_LOGITS"])
def test_what_is_said_reaches_the_containers(name: str) -> None:
    root = Path(__file__).parents[1]
    assert f"\n  {name}: ${{{name}:-" in (root / "compose.yaml").read_text()
    assert f" {name} " in next(
        line for line in (root / "Makefile").read_text().splitlines() if line.startswith("VARIABLES :=")
    )

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tf2torch import engines, files, ledger, stage
from tf2torch.job import Job


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    return new_job()


def run_all(job: Job) -> None:
    for step in engines.stages("mmdnn").values():
        stage.run(step, job)


def manifest(job: Job) -> Any:
    return files.read_json(job.output / "manifest.json")


def test_a_success_is_on_record(job: Job) -> None:
    ledger.record(job, stage_name="export", exit_code=0)
    status = ledger.status(job)
    assert status is not None
    age = datetime.now(UTC) - datetime.fromisoformat(status.pop("finished"))
    assert abs(age.total_seconds()) < 60
    assert status == {
        "model": "net",
        "engine": "mmdnn",
        "weights": "pretrained",
        "stage": "export",
        "exit_code": 0,
        "error": None,
        "verdict": None,
    }


def test_a_failure_is_on_record(job: Job) -> None:
    ledger.record(replace(job, weights="random", seed=7), stage_name="fetch", exit_code=3, error="no network")
    status = ledger.status(job)
    assert status is not None
    expected = {"stage": "fetch", "exit_code": 3, "error": "no network", "weights": "random, seed 7", "verdict": None}
    assert status.items() >= expected.items()


def test_before_anything_ran_there_is_nothing(job: Job) -> None:
    assert ledger.status(job) is None
    assert ledger.report(job) is None
    empty = ledger.manifest(job)
    assert (empty["products"], empty["seconds"], empty["source"]) == ({}, {}, None)


@pytest.mark.parametrize(
    ("stage_name", "exit_code", "verdict"),
    [
        ("evaluate", 0, "PASS"),
        ("evaluate", 5, "PASS"),
        ("evaluate", 1, None),
        ("evaluate", 130, None),
        ("export", 0, None),
    ],
)
def test_only_a_finished_evaluation_has_a_verdict(
    job: Job, new_result: Callable[..., object], stage_name: str, exit_code: int, verdict: str | None
) -> None:
    files.write_json(job.output / "report.json", new_result())
    ledger.record(job, stage_name=stage_name, exit_code=exit_code)
    status = ledger.status(job)
    assert status is not None
    assert status["verdict"] == verdict


def test_a_verdict_keeps_the_weights_it_was_given_for(job: Job, new_result: Callable[..., object]) -> None:
    """`make report` without WEIGHTS=random, after a run with it, must not make them pretrained."""
    files.write_json(job.output / "report.json", new_result(weights="random, seed 3"))
    ledger.record(job, stage_name="evaluate", exit_code=0)
    status = ledger.status(job)
    assert status is not None
    assert (status["verdict"], status["weights"]) == ("PASS", "random, seed 3")


@pytest.mark.usefixtures("fake_stages")
@pytest.mark.parametrize(("weights", "label"), [("random", "random, seed 3"), ("pretrained", "pretrained")])
def test_every_product_has_its_checksum_and_its_mark(job: Job, weights: Any, label: str) -> None:
    job = replace(job, weights=weights, seed=3)
    run_all(job)
    ledger.record(job, stage_name="evaluate", exit_code=0)
    products = manifest(job)["products"]
    made = {path.name for path in job.output.iterdir()} - {"status.json", "manifest.json"}
    assert set(products) == made
    assert len(made) == 7
    for name, about in products.items():
        assert about["sha256"] == files.sha256(job.output / name)
        assert about["weights"] == label
    assert manifest(job)["weights"] == label
    assert [products[name]["stage"] for name in ("converted.pb", "converted_pytorch.pth", "report.md")] == [
        "export",
        "build",
        "evaluate",
    ]


@pytest.mark.usefixtures("fake_stages")
def test_products_keep_the_weights_they_were_made_with(job: Job) -> None:
    """A run with other weights that fails early leaves the old products, and must not relabel them."""
    random = replace(job, weights="random", seed=3)
    run_all(random)
    ledger.record(job, stage_name="fetch", exit_code=3, error="no network")
    assert {about["weights"] for about in manifest(job)["products"].values()} == {"random, seed 3"}
    assert manifest(job)["weights"] == "random, seed 3"
    stage.run(engines.stages("mmdnn")["export"], job)
    ledger.record(job, stage_name="codegen", exit_code=4, error="unsupported")
    weights = {name: about["weights"] for name, about in manifest(job)["products"].items()}
    assert weights["converted.npy"] == "pretrained"
    assert weights["converted_pytorch.npy"] == "random, seed 3"


def test_the_manifest_says_what_was_made_from_what(
    job: Job, fake_stages: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"url": "https://example.org/net.tar.gz", "sha256": "0" * 64}
    fake_stages["export"].kept["source.json"] = json.dumps(source)
    monkeypatch.setenv("TF2TORCH_COMMAND", "make convert MODEL='net'")
    run_all(job)
    found = ledger.manifest(job)
    assert found["source"] == source
    assert found["command"] == "make convert MODEL='net'"
    assert list(found["seconds"]) == list(found["versions"]) == list(found["images"]) == list(engines.NAMES)
    assert all(seconds >= 0 for seconds in found["seconds"].values())
    assert re.fullmatch(r"\d+\.\d+.*", found["versions"]["export"]["numpy"])
    assert json.loads(json.dumps(found)) == found


def test_without_make_the_command_is_our_own(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF2TORCH_COMMAND", raising=False)
    monkeypatch.setattr("sys.argv", ["/somewhere/cli.py", "export", "--model", "net"])
    assert ledger.manifest(job)["command"] == "tf2torch export --model net"


def test_a_folder_that_cannot_be_written_is_reported_and_not_raised(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    ledger.record(job, stage_name="export", exit_code=0)
    assert "Cannot write" in capsys.readouterr().err
    assert list(job.output.iterdir()) == []

"""The table of all conversions."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tf2torch import comparison, files, ledger, stage
from tf2torch.job import Job

pytest.importorskip("jinja2")
from tests.report import full_report
from tf2torch.report import index, page


def finished(folder: Path, result: dict[str, object] | None, **status: object) -> None:
    about = {"exit_code": 0, "stage": "evaluate", "error": None, "weights": "pretrained", "finished": "2026-11-28T12"}
    files.write_json(folder / "status.json", {**about, **status})
    if result:
        files.write_json(folder / "report.json", result)


def test_every_report_of_either_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished(tmp_path / "b net", full_report.result(model="b net"))
    (tmp_path / "b net" / page.PAGE).touch()
    finished(tmp_path / "a" / "mmdnn", full_report.failed() | {"model": "a", "engine": "mmdnn"}, exit_code=5)
    finished(tmp_path / "broken", None, exit_code=4, stage="codegen", error="no <such> operation")
    finished(tmp_path / "worse_now", full_report.result(), exit_code=3, error="it is gone", stage="export")
    finished(tmp_path / "old", full_report.result(schema=1))
    (tmp_path / "unrelated").mkdir()
    (tmp_path / "error.log").touch()
    found = index.rows(tmp_path)
    assert [(row["model"], row["engine"], row["verdict"]) for row in found] == [
        ("a", "mmdnn", "FAIL"),
        ("b net", "native", "PASS"),
        ("broken", "native", None),
        ("old", "native", None),
        ("worse_now", "native", None),
    ]
    assert index.show(Namespace(output_folder=str(tmp_path))) == 0
    assert capsys.readouterr().out == "1 of 5 PASS  -> output/index.html\n"
    html = (tmp_path / "index.html").read_text()
    assert "no &lt;such&gt; operation" in html
    assert 'href="b%20net/report.html"' in html
    assert 'href="a/mmdnn/report.json"' in html
    assert "first: block3.1.conv" in html
    assert "it is gone" in html
    assert "codegen" not in html
    links = re.findall(r'href="([^"#]*)"', html)
    assert all(link.startswith(("a/", "b%20net/", "old/", "worse_now/", "data:")) for link in links)


@pytest.mark.parametrize("name", ["", "missing"])
def test_nothing_yet(tmp_path: Path, name: str) -> None:
    assert index.rows(tmp_path / name) == []
    assert index.show(Namespace(output_folder=str(tmp_path / name))) == 0
    assert "Nothing has been converted yet" in (tmp_path / name / "index.html").read_text()


def test_after_a_comparison_each_page_shows_both_engines(new_job: Callable[..., Job]) -> None:
    native = new_job(engine="native")
    jobs = [native, replace(native, engine="mmdnn")]
    for job in jobs:
        finished(job.output, full_report.result(engine=job.engine))
        (job.output / page.PAGE).write_text("a page of its own")
        products = {name: files.sha256(job.output / name) for name in ("report.json", page.PAGE)}
        stamp = {"key": {"packages": {}}, "weights": "pretrained", "image": None, "seconds": 1.0, "intermediates": {}}
        files.write_json(job.work / "evaluate.stamp.json", {**stamp, "products": products})
        files.write_json(job.output / "manifest.json", {"command": "make convert"})
    comparison._refresh_pages(jobs)
    for job in jobs:
        assert "Both engines" in (job.output / page.PAGE).read_text()
        stamp = stage.read_stamp("evaluate", job)
        assert stamp is not None
        assert stamp["products"][page.PAGE] == files.sha256(job.output / page.PAGE)
        manifest = files.read_json(job.output / "manifest.json")
        assert manifest["command"] == "make convert"
        assert manifest["products"][page.PAGE]["sha256"] == stamp["products"][page.PAGE]


def test_a_product_that_was_not_made_is_not_replaced(new_job: Callable[..., Job]) -> None:
    job = new_job(engine="native")
    ledger.amend(job, "evaluate", page.PAGE, "anything")
    assert not (job.output / page.PAGE).exists()

"""The page as text: what stands in it, what does not where nothing was measured, and that nothing breaks out of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tf2torch import files
from tf2torch.job import Job

pytest.importorskip("jinja2")
from tests.conftest import result as plain_report
from tests.report import full_report
from tf2torch.evaluate import proof_report
from tf2torch.report import page, sections, usage

SECTIONS = ["comparisons", "images", "modules", "gradients", "attacks", "timing", "network", "use", "provenance"]


def ids(html: str) -> list[str]:
    return re.findall(r'<section id="(\w+)"', html)


def text(page_text: str) -> str:
    """What a reader sees, without marks."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page_text.partition("</head>")[2])).split())


def test_every_section() -> None:
    html = page.render(full_report.result(), full_report.SOURCE)
    assert ids(html) == SECTIONS
    assert re.findall(r'<a href="#(\w+)"', html) == SECTIONS
    seen = text(html)
    for words in (
        "the same with TF32 1.2e-03 10/10 not judged",
        *("residual_net PASS", "TensorFlow 2.21.0 against PyTorch 2.13.0 on CPU, engine native."),
        *("largest error 8.0e-06 tolerance 1.1e-05", "same top-1 10/10", "modules 52/52", "gradient cosine 0.999994"),
        *(
            "parameters 25.6 M all trainable one image 36.5 ms 0.89 x TensorFlow's time",
            "size 257x257 5.1e-06 1.1e-05 1/1 PASS",
            "TensorFlow has none for Where",
        ),
        *("Accuracy on 10,000 images", "75.20 % 7,520", "75.2 %", "ILSVRC2012_val_00000003.JPEG · label 103"),
        *(
            "Modules: 52 of 52 agree",
            "the whole network 1 1 ResidualNet",
            "161 variables were compared",
            "PGD 10 16/255 100.0 % 100.0 % 98.66 %",
            "cosine 0.999991 , the same sign in",
        ),
        *("Batch 8 TensorFlow 328 ms · 1.00", "torch.compile no C++ compiler is installed"),
        *("4.1 G multiply-adds", "stem Sequential 1 x 64 x 112 x 112 36,992", "Make it again"),
        *("outputs 2.1e-14 of 1e-09", "from converted_pytorch import load", "fe242206dcb2", "4d09edc21ef4"),
    ):
        assert words in seen, words
    assert "nobody trained" not in seen


def test_a_failure_says_where_it_begins() -> None:
    seen = text(page.render(full_report.failed(), ""))
    assert "residual_net FAIL" in seen
    assert (
        "The first that differs, in the order in which they run: block3.1.conv (Conv2D: residual_net/block3/1" in seen
    )
    assert "perhaps SAME padding that is symmetric" in seen
    assert "largest error none shape [1, 10], not [1, 1000]" in seen
    assert "elements that differ 24.0 %" in seen
    assert "Modules: 27 of 52 agree" in seen
    assert "Fed with TensorFlow's own tensors, these differ: block3.1.conv (Conv2D: " in seen


def test_what_was_not_measured_has_no_section() -> None:
    html = page.render(plain_report(), "")
    assert ids(html) == ["comparisons", "use"]
    assert "converted_pytorch.py</code>, " not in html  # no source
    whole = full_report.result()
    optional = ("provenance", "network", "examples", "attacks", "timing")
    for key in optional:
        assert page.render({**whole, key: None}, "")
        assert page.render({name: value for name, value in whole.items() if name != key}, "")
    nothing = {name: value for name, value in whole.items() if name not in optional}
    assert ids(page.render(nothing, "")) == ["comparisons", "images", "modules", "gradients", "use"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"timing": {"problem": "PyTorch was not timed", "rows": []}}, "PyTorch was not timed"),
        ({"attacks": {"passed": None, "problem": "nothing to attack"}}, "nothing to attack"),
    ],
)
def test_what_went_wrong_is_said(part: dict[str, Any], words: str) -> None:
    assert words in page.render(full_report.result(**part), "")


def test_gradients_that_could_not_be_compared() -> None:
    result = full_report.result()
    entry = result["loaded"]["converted_pytorch.safetensors"]
    entry["gradients"] = {"passed": False, "problem": "an output has another shape", "inputs": [], "variables": None}
    assert "an output has another shape" in page.render(result, "")
    norms = {"passed": True, "cosine": None, "relative_l2": None, "norms": [0.0, 0.0]}
    worst = {
        "variable": "weights",
        "passed": False,
        "cosine": None,
        "relative_l2": None,
        "problem": "shape [1], not [2]",
    }
    variables = {"passed": False, "compared": 2, "cosine": None, "worst": worst, "failing": [worst]}
    entry["gradients"] = {"passed": False, "inputs": [norms], "variables": variables}
    assert text(page.render(result, "")).count("shape [1], not [2]") == 1


def test_random_weights_are_no_secret() -> None:
    seen = text(page.render(full_report.result(weights="random, seed 0"), ""))
    assert "The weights are random (random, seed 0): nobody trained this network." in seen
    assert "it says nothing about the network" in seen
    assert "published" not in seen


def test_nothing_breaks_out_of_the_text() -> None:
    bad = "<script>alert(1)</script>\"'&"
    result = full_report.result(model=bad, notes=[bad])
    for row in result["loaded"]["converted_pytorch.safetensors"]["modules"]["rows"]:
        row.update({"path": bad, "class": bad, "problem": bad})
    result["loaded"] = {bad: next(iter(result["loaded"].values()))}
    result["provenance"] |= {"command": bad, "source": {bad: bad}}
    html = page.render(result, bad)
    assert "<script>alert" not in html
    assert html.count("<script>") == 1


def test_nothing_is_loaded_from_elsewhere() -> None:
    html = page.render(full_report.result(), full_report.SOURCE)
    markup = re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL)
    links = re.findall(r'\b(?:src|href|action|srcset)="([^"]*)"', markup)
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in html
    assert "@import" not in html
    assert "default-src 'none'" in html


def test_both_engines() -> None:
    mine, other = full_report.result(source_lines=24), full_report.result(engine="mmdnn", source_lines=1204)
    for first, second in ((mine, other), (other, mine)):
        seen = text(page.render(first, "", second))
        assert "Both engines native mmdnn verdict PASS PASS" in seen
        assert "lines of source 24 1,204" in seen


def test_the_lines_of_both_sources_are_counted(job: Job) -> None:
    other = replace(job, engine="mmdnn")
    other.output.mkdir(parents=True)
    (other.output / page.SOURCE).write_text("one\ntwo\n")
    for engine in (job, other):
        files.write_json(engine.output / "report.json", full_report.result(engine=engine.engine))
    for engine in (job, other):
        assert "lines of source 20 2" in text(page.of(engine, full_report.result(engine=engine.engine)))


def test_what_is_no_part_of_the_verdict_says_so() -> None:
    result = full_report.result(engine="mmdnn")
    entry = result["loaded"]["converted_pytorch.safetensors"]
    entry["trainable"] |= {"passed": False, "judged": False, "trainable": 25_557_132}
    entry["gradients"]["judged"] = False
    seen = text(page.render(result, ""))
    assert "parameters 25.6 M 100 more than TensorFlow trains" in seen
    assert "Parameters FAIL no part of the verdict" in seen
    assert "Gradients Of a fixed" in seen  # they agree


def test_the_kinds_of_operations() -> None:
    part = full_report.failed()["loaded"]["converted_pytorch.safetensors"]["modules"]
    found = {
        group["family"]: (group["agreeing"], group["compared"], group["worst"]["path"])
        for group in proof_report.families(part["rows"])
    }
    assert found == {
        "convolution": (9, 18, "labels"),
        "normalization": (9, 17, "block3.1.bn"),
        "activation": (9, 17, "block3.1"),
        "the whole network": (0, 1, ""),
    }
    assert proof_report.families([{"path": "a", "passed": True, "error": 0.0, "tolerance": 1.0}]) == []


def test_how_it_is_loaded() -> None:
    assert "preprocess" in usage.loading(full_report.result(), "import torch\n\ndef preprocess(image):\n")
    native = usage.loading(full_report.result(), full_report.SOURCE)
    assert "load()" in native
    assert "torch.rand(1, 3, 224, 224)" in native
    mmdnn = usage.loading(plain_report(), "")
    assert 'KitModel("converted_pytorch.npy").eval()' in mmdnn
    for snippet in (native, mmdnn):
        compile(snippet, "snippet", "exec")


# ---- the file


@pytest.fixture
def job(new_job: Callable[..., Job]) -> Job:
    job = new_job(engine="native")
    job.output.mkdir(parents=True)
    (job.output / page.SOURCE).write_text(full_report.SOURCE)
    return job


def test_it_is_written_beside_the_report(job: Job, tmp_path: Path) -> None:
    page.write(job, tmp_path, full_report.result())
    html = (tmp_path / page.PAGE).read_text(encoding="utf-8")
    assert "BatchNorm2d" in html
    assert "Both engines" not in html
    other = replace(job, engine="mmdnn")
    files.write_json(other.output / "report.json", full_report.result(engine="mmdnn"))
    page.write(job, tmp_path, full_report.result())
    assert "Both engines" in (tmp_path / page.PAGE).read_text(encoding="utf-8")


def test_a_page_that_fails_is_no_more_than_that(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page.write(job, tmp_path, {**full_report.result(), "timing": {"rows": [{}]}})
    assert "report.html was not written (KeyError" in capsys.readouterr().err
    assert list(tmp_path.glob("report.html")) == []


def test_another_schema_is_not_read(job: Job) -> None:
    files.write_json(job.output / "report.json", full_report.result(schema=1))
    assert page.read(job.output) is None
    files.write_json(job.output / "report.json", full_report.result())
    found = page.read(job.output)
    assert found is not None
    assert found["source_lines"] == len(full_report.SOURCE.splitlines())


# ---- sections


def test_bars_are_as_long_as_their_times() -> None:
    timing = sections.timing(full_report.timing())
    assert timing is not None
    first = timing["batches"][0]
    assert [group["batch"] for group in timing["batches"]] == [1, 8, 32]
    lengths = {row["way"]: row["length"] for row in first["rows"]}
    assert lengths["eager"] == pytest.approx(0.89 * lengths["TensorFlow"], rel=1e-2)
    assert lengths["torch.compile"] == 0
    assert all(0 <= row["low"] <= row["length"] <= row["high"] <= 100 for row in first["rows"])


def test_the_figures_of_a_report() -> None:
    column = sections.column(full_report.failed())
    assert column["verdict"] == "FAIL"
    assert column["first_diverging"] == "block3.1.conv"
    assert column["modules"] == "27/52"
    assert column["latency"] == pytest.approx(36.5, abs=0.1)
    assert sections.column(plain_report())["modules"] is None

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tf2torch import catalogue, files

PUBLISHED = """
network = "net"
classes = 1000
input_size = 224
preprocessing = "vgg"
output = "net/logits"
licence = "Apache-2.0"
[weights]
url = "https://example.org/net.tar.gz"
file = "net.ckpt"
[accuracy]
top1 = 71.5
top5 = 89.8
"""
MINE = """
network = "net"
classes = 1001
input_size = 299
preprocessing = "inception"
output = "net/logits"
"""
VOLUME = """
network = "net"
classes = 0
input_shape = [16, 8, 8, 3]
preprocessing = "none"
output = "net/logits"
"""
STATUS = {"verdict": "PASS", "exit_code": 0, "engine": "mmdnn", "weights": "random, seed 0", "finished": "2020-01-01"}


@pytest.fixture
def options(tmp_path: Path) -> argparse.Namespace:
    for name, text in (("published", PUBLISHED), ("mine", MINE)):
        files.write_text(tmp_path / "models" / f"{name}.toml", text)
    return argparse.Namespace(
        models_folder=str(tmp_path / "models"), output_folder=str(tmp_path / "output"), model="published", json=False
    )


def shown(capsys: pytest.CaptureFixture[str], show: Any, options: argparse.Namespace) -> str:
    assert show(options) == 0
    text: str = capsys.readouterr().out
    return text


def lines(capsys: pytest.CaptureFixture[str], options: argparse.Namespace) -> list[list[str]]:
    return [re.split(r"\s{2,}", line) for line in shown(capsys, catalogue.show_list, options).splitlines()]


def test_the_list(capsys: pytest.CaptureFixture[str], options: argparse.Namespace, tmp_path: Path) -> None:
    files.write_text(tmp_path / "models" / "a_volume_with_a_long_name.toml", VOLUME)
    files.write_text(tmp_path / "models" / "sizes.csv", "model,parameters,values\nmine,23819401,7\npublished,61706,7\n")
    held = {"https://example.org/net.tar.gz": {"sha256": 64 * "0", "size": 24_642_554}}
    files.write_json(tmp_path / "models" / "checksums.lock", held)
    assert lines(capsys, options) == [
        ["model", "parameters", "input", "classes", "top-1", "download", "licence", "weights", "last conversion"],
        ["a_volume_with_a_long_name", "-", "16x8x8x3", "-", "-", "-", "-", "unpublished"],
        ["mine", "23.8 M", "299", "1001", "-", "-", "-", "unpublished"],
        ["published", "61.7 k", "224", "1000", "71.5", "24.6 MB", "Apache-2.0", "to fetch"],
    ]


@pytest.mark.parametrize(
    ("endings", "found"),
    [([""], True), ([".index"], False), ([".index", ".data-00000-of-00001"], True), ([".meta"], False)],
)
def test_a_checkpoint_on_disk(
    capsys: pytest.CaptureFixture[str], options: argparse.Namespace, tmp_path: Path, endings: list[str], found: bool
) -> None:
    for ending in endings:
        files.write_text(tmp_path / "models" / f"published.ckpt{ending}", "x")
    assert lines(capsys, options)[2][7:] == ["on disk" if found else "to fetch"]
    row = next(line for line in shown(capsys, catalogue.show_info, options).splitlines() if "on disk" in line)
    assert row.split() == ["on", "disk", "models/published.ckpt" if found else "no"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "PASS, mmdnn, random, seed 0 weights"),
        ({"verdict": "FAIL", "exit_code": 5}, "FAIL, mmdnn, random, seed 0 weights"),
        ({"verdict": None, "exit_code": 4}, "failed (4), mmdnn, random, seed 0 weights"),
        ({"verdict": None}, "unfinished, mmdnn, random, seed 0 weights"),
    ],
)
def test_the_last_conversion(
    capsys: pytest.CaptureFixture[str],
    options: argparse.Namespace,
    tmp_path: Path,
    changes: dict[str, Any],
    words: str,
) -> None:
    files.write_json(tmp_path / "output" / "published" / "status.json", {**STATUS, **changes})
    assert shown(capsys, catalogue.show_list, options).splitlines()[2].endswith(f"to fetch     {words}")
    assert shown(capsys, catalogue.show_info, options).splitlines()[-1].split(maxsplit=1) == ["last", words]


def test_info(capsys: pytest.CaptureFixture[str], options: argparse.Namespace) -> None:
    text = shown(capsys, catalogue.show_info, options)
    for words in (
        "224 x 224 RGB, vgg preprocessing",
        "net/logits, 1000 classes",
        "https://example.org/net.tar.gz (net.ckpt)",
        "top-1 71.5 %, top-5 89.8 % as published",
        "Apache-2.0",
        "not counted",
        "not converted yet",
    ):
        assert words in text
    assert text.startswith("published\n")
    assert "background" not in text
    options.model = "mine"
    text = shown(capsys, catalogue.show_info, options)
    for words in ("1001 classes (class 0 is the background)", "no weights: WEIGHTS=random", "not published"):
        assert words in text


def test_as_json(capsys: pytest.CaptureFixture[str], options: argparse.Namespace, tmp_path: Path) -> None:
    files.write_json(tmp_path / "output" / "published" / "status.json", {**STATUS, "error": "long"})
    options.json = True
    mine, published = json.loads(shown(capsys, catalogue.show_list, options))
    assert published == json.loads(shown(capsys, catalogue.show_info, options))
    assert published["name"] == "published"
    assert published["accuracy"] == {"top1": 71.5, "top5": 89.8}
    assert published["weights"]["url"] == "https://example.org/net.tar.gz"
    assert published["last_conversion"] == STATUS
    assert published["weights_on_disk"] is False
    assert mine["weights"] is mine["accuracy"] is None
    assert mine["last_conversion"] == dict.fromkeys(STATUS)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_status_counts_for_none(
    capsys: pytest.CaptureFixture[str], options: argparse.Namespace, tmp_path: Path, content: str
) -> None:
    files.write_text(tmp_path / "output" / "published" / "status.json", content)
    assert "not converted yet" in shown(capsys, catalogue.show_info, options)

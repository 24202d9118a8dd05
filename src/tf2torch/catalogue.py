"""The models there are: what a recipe says, how large it is, what is on disk, how the last conversion went."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tf2torch import columns, files, prefix
from tf2torch.job import ENGINES, place
from tf2torch.recipe import Weights, load, names
from tf2torch.zoo import lock, sizes


def entry(models: Path, output: Path, name: str) -> dict[str, Any]:
    """All that is known about a model, as plain data. The last conversion is that of whichever engine came last."""
    found = load(models, name)
    found_status = [files.read_json(output / place(name, engine) / "status.json") or {} for engine in ENGINES]
    status = max(found_status, key=lambda status: status.get("finished", ""))
    size = sizes.read(models).get(name)
    return {
        **asdict(found),
        "parameters": size and size.parameters,
        "download": _download(models, found.weights),
        "weights_on_disk": on_disk(models, name),
        "last_conversion": {key: status.get(key) for key in ("verdict", "exit_code", "engine", "weights", "finished")},
    }


def on_disk(models: Path, name: str) -> bool:
    """Whether a whole checkpoint lies at models/<name>.ckpt, of either version."""
    return bool(prefix.values(models / f"{name}.ckpt"))


def show_list(options: argparse.Namespace) -> int:
    models, output = Path(options.models_folder), Path(options.output_folder)
    entries = [entry(models, output, name) for name in names(models)]
    if options.json:
        print(json.dumps(entries, indent=2))
        return 0
    header = ("model", "parameters", "input", "classes", "top-1", "download", "licence", "weights", "last conversion")
    print("\n".join(columns.aligned(header, [_row(item) for item in entries])))
    return 0


def show_info(options: argparse.Namespace) -> int:
    item = entry(Path(options.models_folder), Path(options.output_folder), options.model)
    if options.json:
        print(json.dumps(item, indent=2))
        return 0
    weights = item["weights"]
    rows = {
        "network": item["network"],
        "parameters": "not counted" if item["parameters"] is None else f"{item['parameters']:,}",
        "input": _pictures(item),
        "output": _output(item),
        "published": f"{weights['url']} ({weights['file']})" if weights else "no weights: WEIGHTS=random, or your own",
        "download": _bytes(item["download"]) if weights and item["download"] else "",
        "licence": item["licence"] or ("not known" if weights else ""),
        "accuracy": _accuracy(item["accuracy"]),
        "on disk": f"models/{item['name']}.ckpt" if item["weights_on_disk"] else "no",
        "last": _last(item) or "not converted yet",
    }
    print(item["name"])
    for title, value in rows.items():
        if value:
            print(f"  {title:<10} {value}")
    return 0


def _row(item: dict[str, Any]) -> tuple[str, ...]:
    accuracy = item["accuracy"]
    return (
        item["name"],
        "-" if item["parameters"] is None else columns.count(item["parameters"]),
        _shape(item).replace(" ", ""),
        str(item["classes"] or "-"),
        f"{accuracy['top1']:.1f}" if accuracy else "-",
        _bytes(item["download"]) if item["download"] else "-",
        item["licence"] or "-",
        "on disk" if item["weights_on_disk"] else "to fetch" if item["weights"] else "unpublished",
        _last(item),
    )


def _shape(item: dict[str, Any]) -> str:
    """One length for a square picture, all of them else."""
    return str(item["input_size"]) if item["input_size"] else " x ".join(map(str, item["input_shape"]))


def _pictures(item: dict[str, Any]) -> str:
    size = item["input_size"]
    if not size:
        return _shape(item)
    prepared = "" if item["preprocessing"] == "none" else f", {item['preprocessing']} preprocessing"
    return f"{size} x {size} RGB{prepared}"


def _output(item: dict[str, Any]) -> str:
    if not item["classes"]:
        return str(item["output"])
    return f"{item['output']}, {item['classes']} classes" + (
        " (class 0 is the background)" if item["classes"] == 1001 else ""
    )


def _accuracy(published: dict[str, Any] | None) -> str:
    if not published:
        return "not published"
    top5 = "" if published["top5"] is None else f", top-5 {published['top5']} %"
    return f"top-1 {published['top1']} %{top5} as published"


def _download(models: Path, weights: Weights | None) -> int | None:
    """Bytes of the archive, as published or as they were the last time."""
    if weights is None:
        return None
    held = lock.read(models / lock.LOCK_FILE).get(weights.url)
    return weights.size or (held.size if held else None)


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _last(item: dict[str, Any]) -> str:
    last = item["last_conversion"]
    if last["exit_code"] is None:
        return ""
    verdict = last["verdict"] or ("unfinished" if last["exit_code"] == 0 else f"failed ({last['exit_code']})")
    return f"{verdict}, {last['engine']}, {last['weights']} weights"

"""The models there are: what a recipe says, what is on disk, how the last conversion went."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tf2torch import files
from tf2torch.job import ENGINES, place
from tf2torch.recipe import load, names


def entry(models: Path, output: Path, name: str) -> dict[str, Any]:
    """All that is known about a model, as plain data. The last conversion is that of whichever engine came last."""
    found = load(models, name)
    found_status = [files.read_json(output / place(name, engine) / "status.json") or {} for engine in ENGINES]
    status = max(found_status, key=lambda status: status.get("finished", ""))
    checkpoint = any((models / f"{name}.ckpt{suffix}").is_file() for suffix in ("", ".index"))
    return {
        **asdict(found),
        "weights_on_disk": checkpoint,
        "last_conversion": {key: status.get(key) for key in ("verdict", "exit_code", "engine", "weights", "finished")},
    }


def show_list(options: argparse.Namespace) -> int:
    models, output = Path(options.models_folder), Path(options.output_folder)
    entries = [entry(models, output, name) for name in names(models)]
    if options.json:
        print(json.dumps(entries, indent=2))
        return 0
    print(f"{'model':<16} {'input':>5} {'classes':>7} {'top-1':>6}  {'weights':<12} last conversion")
    for item in entries:
        accuracy = f"{item['accuracy']['top1']:.1f}" if item["accuracy"] else "-"
        weights = "on disk" if item["weights_on_disk"] else "to fetch" if item["weights"] else "unpublished"
        columns = f"{item['name']:<16} {item['input_size']:>5} {item['classes']:>7} {accuracy:>6}  {weights:<12}"
        print(f"{columns} {_last(item)}".rstrip())
    return 0


def show_info(options: argparse.Namespace) -> int:
    item = entry(Path(options.models_folder), Path(options.output_folder), options.model)
    if options.json:
        print(json.dumps(item, indent=2))
        return 0
    weights, accuracy = item["weights"], item["accuracy"]
    rows = {
        "network": item["network"],
        "input": f"{item['input_size']} x {item['input_size']} RGB, {item['preprocessing']} preprocessing",
        "output": f"{item['output']}, {item['classes']} classes"
        + (" (class 0 is the background)" if item["classes"] == 1001 else ""),
        "published": f"{weights['url']} ({weights['file']})" if weights else "no weights: WEIGHTS=random, or your own",
        "accuracy": f"top-1 {accuracy['top1']} %, top-5 {accuracy['top5']} % as published"
        if accuracy
        else "not published",
        "on disk": f"models/{item['name']}.ckpt" if item["weights_on_disk"] else "no",
        "last": _last(item) or "not converted yet",
    }
    print(item["name"])
    for title, value in rows.items():
        print(f"  {title:<10} {value}")
    return 0


def _last(item: dict[str, Any]) -> str:
    last = item["last_conversion"]
    if last["exit_code"] is None:
        return ""
    verdict = last["verdict"] or ("unfinished" if last["exit_code"] == 0 else f"failed ({last['exit_code']})")
    return f"{verdict}, {last['engine']}, {last['weights']} weights"

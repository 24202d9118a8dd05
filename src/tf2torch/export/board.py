"""TensorBoard's event files: the graphs of both sides, the errors of each module, the images. TensorFlow is not needed.

tensorflow/  the graph
pytorch/     the graph; the error of each module as a scalar and as a histogram, where a step is a module; images
"""

from __future__ import annotations

import io
import itertools
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.histogram_pb2 import HistogramProto
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_STRING
from tensorboard.summary.writer.record_writer import RecordWriter

from tf2torch import bundle, files, images
from tf2torch.errors import InputError
from tf2torch.job import Job

GRAPH = "graph.pb"  # TensorFlow's, among the intermediates of the export
SHOWN = 16  # images
SIDE = 256  # pixels of an image, at most
Json = dict[str, Any]


def write(job: Job, folder: Path) -> None:
    """Writes the events of what there is of a model into a folder, which is emptied. Raises InputError for nothing."""
    graph = job.intermediate("export", GRAPH)
    if not graph.is_file():
        raise InputError(f"There is no graph of {job.name} to show. `make export MODEL={job.name}` writes it.")
    shutil.rmtree(folder, ignore_errors=True)
    with files.machine_errors(folder):
        _record(folder / "tensorflow", [Event(graph_def=graph.read_bytes())])
        found: Json = files.read_json(job.intermediate("evaluate", "board.json")) or {}
        events = list(itertools.chain(_errors(found), _pictures(job)))
        if found.get("graph"):
            events.append(Event(graph_def=definition(found["graph"]).SerializeToString()))
        if events:
            _record(folder / "pytorch", events)


def _record(folder: Path, events: Sequence[Any]) -> None:
    folder.mkdir(parents=True)
    now = time.time()
    with (folder / "events.out.tfevents.0.tf2torch").open("wb") as file:
        writer = RecordWriter(file)
        for event in (Event(file_version="brain.Event:2"), *events):
            event.wall_time = now
            writer.write(event.SerializeToString())


def definition(nodes: Sequence[Json]) -> Any:
    """The PyTorch side's graph, as evaluate/board.py writes it, in the form of TensorFlow's."""
    result = GraphDef()
    for item in nodes:
        node = result.node.add(name=item["name"], op=item["op"])
        node.input.extend(name.removesuffix(":0") for name in item["inputs"])
        shapes = node.attr["_output_shapes"].list
        for shape in item["shapes"]:
            shapes.shape.add().dim.extend(TensorShapeProto.Dim(size=size) for size in shape)
    return result


def _errors(found: Json) -> Iterator[Any]:
    rows = found.get("errors") or []
    for step, row in enumerate(rows):
        values = [
            Summary.Value(tag="modules/relative error", simple_value=row["error"]),
            Summary.Value(tag="modules/tolerance", simple_value=row["tolerance"]),
            Summary.Value(tag="modules/log10 of the relative errors", histo=_histogram(row["counts"], found["edges"])),
        ]
        yield Event(step=step, summary=Summary(value=values))
    if rows:
        lines = ["| step | module | relative error | tolerance |", "|---|---|---|---|"]
        lines += [
            f"| {step} | {row['module'] or 'the network itself'} | {row['error']:.1e} | {row['tolerance']:.1e} |"
            for step, row in enumerate(rows)
        ]
        yield Event(summary=Summary(value=[_text("modules", "\n".join(lines))]))


def _histogram(counts: Sequence[int], edges: Sequence[float]) -> Any:
    """Counts between edges; the sums are those of the middles, which is all that is known."""
    middles = [(low + high) / 2 for low, high in itertools.pairwise(edges)]
    return HistogramProto(
        min=edges[0],
        max=edges[-1],
        num=sum(counts),
        sum=sum(count * middle for count, middle in zip(counts, middles, strict=True)),
        sum_squares=sum(count * middle**2 for count, middle in zip(counts, middles, strict=True)),
        bucket_limit=edges[1:],
        bucket=counts,
    )


def _text(tag: str, words: str) -> Any:
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    return Summary.Value(tag=tag, metadata=metadata, tensor=TensorProto(dtype=DT_STRING, string_val=[words.encode()]))


def _pictures(job: Job) -> Iterator[Any]:
    """The first of the user's images, or of the seeded ones, each under a tag of its own."""
    for name, picture in itertools.islice(_images(job), SHOWN):
        picture.thumbnail((SIDE, SIDE))
        png = io.BytesIO()
        picture.save(png, "PNG")
        shown = Summary.Image(
            width=picture.width, height=picture.height, colorspace=3, encoded_image_string=png.getvalue()
        )
        yield Event(summary=Summary(value=[Summary.Value(tag=f"images/{name}", image=shown)]))


def _images(job: Job) -> Iterator[tuple[str, Image.Image]]:
    if job.images:
        for item in images.labelled(job.images):
            with Image.open(item.path) as picture:
                yield item.path.relative_to(job.images).as_posix(), picture.convert("RGB")
        return
    reference = bundle.load(job.intermediate("export", "reference.safetensors"))
    for place, pixels in enumerate(reference.inputs if reference else ()):
        scaled = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9) * 255
        yield f"seeded {place + 1}", Image.fromarray(scaled.astype(np.uint8))

"""What TensorFlow computes on the way to its outputs, and back: the details of the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tf2torch import details
from tf2torch.bundle import CEILING, MARGIN, MARGIN_WITHIN, relative_error, tolerance
from tf2torch.details import Details, Exact, Gradients, Size, Sketch
from tf2torch.errors import InputError
from tf2torch.export import constants, float64
from tf2torch.export.definition import Tensor
from tf2torch.export.inputs import seeded_inputs
from tf2torch.export.normalize import Array, Inference
from tf2torch.export.running import Choice, Picked, Running
from tf2torch.export.tensorflow import tf
from tf2torch.job import Job

BATCH = 2
SIZES = (33, 5, 1)  # more pixels, tried in this order: of another parity than the network's own size, where it can be
Arrays = tuple[Array, ...]
_FAILURES = (tf.errors.OpError, float64.Unwidened, LookupError, ValueError, TypeError)  # of TensorFlow on such a graph


@dataclass(frozen=True, slots=True)
class _Computed:
    outputs: list[Array]
    projections: list[Array]
    tensors: dict[str, Picked]
    gradients: tuple[list[Array], dict[str, Picked]] | None
    note: str = ""


def record(inference: Inference, job: Job) -> tuple[Details, list[Array] | None]:
    """Runs the graph on seeded inputs, in float32 and, to know how far to trust that, in float64.

    Returns the outputs in float64 as well, if there are any. Gradients are computed in float64 only for a proof: that
    takes TensorFlow several times as long as all the rest.
    """
    inputs, narrow = _computed(inference, job)
    notes = [narrow.note]
    wide = None
    try:
        wide = _compute(inference, inputs, job, wide=True)
    except _FAILURES as error:
        notes.append(f"float64: {_first_line(error)}")
    single = _single(inference, inputs)
    size, note = _other_size(inference, job, single)
    notes.append(note)
    result = Details(
        inputs=inputs,
        outputs=tuple(narrow.outputs),
        tolerance=max(
            _tolerance(narrow.outputs, wide.outputs if wide else None),
            _tolerance_alone(single, wide.outputs if wide else ()),
        ),
        projections=tuple(narrow.projections),
        tensors=_sketches(narrow.tensors, wide.tensors if wide else None),
        gradients=_gradients(narrow.gradients, wide.gradients if wide else None),
        size=size,
        exact=_exact(wide) if job.proof and wide else None,
        single=single,
        notes=tuple(filter(None, notes)),
    )
    return result, wide.outputs if wide else None


def _computed(inference: Inference, job: Job) -> tuple[Arrays, _Computed]:
    """At the batch size that we want, or, in a graph of a fixed one that does not say so, at 1."""
    reason = ""
    for batch in (BATCH, 1):
        inputs = seeded_inputs(inference, job, batch)
        try:
            return inputs, _compute(inference, inputs, job, wide=False)
        except _FAILURES as error:
            reason = _first_line(error)
    ends = " to ".join(", ".join(item.name for item in items) for items in (inference.inputs, inference.outputs))
    raise InputError(
        f"TensorFlow itself cannot run the graph from {ends}: {reason}. INPUT= and OUTPUT= cut it elsewhere."
    )


def _compute(inference: Inference, inputs: Arrays, job: Job, *, wide: bool) -> _Computed:
    running = Running(inference, inputs, wide=wide)
    outputs, tensors = running.sketched(_names(inference), _chooser(inference, whole=job.bisect))
    if wide and not job.proof:
        return _Computed(outputs, [], tensors, None)
    projections = running.projections(job.seed)
    trained = [name for name, kind in inference.kinds.items() if kind == "trainable"]
    try:
        gradients = running.gradients(projections, trained, details.indices_of_whole)
    except _FAILURES as error:
        return _Computed(outputs, projections, tensors, None, f"gradients: {_first_line(error)}")
    return _Computed(outputs, projections, tensors, gradients)


def _names(inference: Inference) -> list[Tensor]:
    """Every float tensor that something reads, and the outputs; no weights."""
    users = inference.definition.users()
    imported = constants.load(inference.definition)
    wanted = dict.fromkeys([*users, *inference.outputs])
    return [
        item
        for item in wanted
        if item.node not in inference.weights
        and imported.get_operation_by_name(item.node).type != "Const"
        and imported.get_tensor_by_name(item.name).dtype == tf.float32
    ]


def _chooser(inference: Inference, *, whole: bool) -> Choice:
    """Which elements of a tensor are recorded: as many for each image if its first axis is the batch."""
    imported = constants.load(inference.definition)

    def choose(name: str, shape: tuple[int, ...]) -> details.Indices:
        static = imported.get_tensor_by_name(name).shape
        batched = bool(static.rank) and static.as_list()[0] is None
        return details.indices(name, shape, batched=batched, limit=None if whole else details.SKETCHED)

    return choose


def _single(inference: Inference, inputs: Arrays) -> Arrays:
    """The outputs of the first input alone; nothing where the graph asks for more."""
    try:
        return tuple(Running(inference, [array[:1] for array in inputs]).outputs())
    except _FAILURES:
        return ()


def _other_size(inference: Inference, job: Job, single: Arrays) -> tuple[Size | None, str]:
    """The first of the other sizes that TensorFlow takes, or why it takes none. `single`: the outputs of one input.

    A network that flattens its features to rows of a fixed length makes several rows of one larger picture, which
    TensorFlow takes and nobody means.
    """
    note = ""
    if not any(array.ndim == 4 for array in seeded_inputs(inference, job, BATCH)):
        return None, note
    for more in SIZES:
        inputs = seeded_inputs(inference, job, 1, more)
        try:
            outputs = Running(inference, inputs).outputs()
        except _FAILURES as error:
            note = f"another size: {_first_line(error)}"
            continue
        if any(len(one) == 1 != len(rows) for one, rows in zip(single, outputs, strict=False) if one.ndim):
            note = "another size: of one input TensorFlow makes several rows"
            continue
        try:
            exact = Running(inference, inputs, wide=True).outputs()
        except _FAILURES:
            exact = None
        return Size(inputs, tuple(outputs), _tolerance(outputs, exact)), ""
    return None, note


def _sketches(narrow: Mapping[str, Picked], wide: Mapping[str, Picked] | None) -> dict[str, Sketch]:
    """Each with its tolerance, and none with less than is usual in this network.

    Of a tensor only some elements are recorded, and TensorFlow may happen to be right in these to the last digit. There
    are hundreds of tensors, too, each with its chance to be the exception, so the margin is wider than that of outputs.
    """

    def measured(name: str, picked: Picked) -> float:
        exact = (wide or {}).get(name)
        return _tolerance([picked.values], [exact.values] if exact else None, MARGIN_WITHIN)

    tolerances = {name: measured(name, picked) for name, picked in narrow.items()}
    usual = median(tolerances.values()) if tolerances else 0.0
    return {
        name: Sketch(picked.shape, picked.indices, picked.values, max(tolerances[name], usual))
        for name, picked in narrow.items()
    }


def _gradients(
    narrow: tuple[list[Array], dict[str, Picked]] | None, wide: tuple[list[Array], dict[str, Picked]] | None
) -> Gradients | None:
    return Gradients(tuple(narrow[0]), _sketches(narrow[1], wide[1] if wide else None)) if narrow else None


def _exact(wide: _Computed) -> Exact | None:
    gradients = _gradients(wide.gradients, wide.gradients)
    return Exact(tuple(wide.outputs), gradients) if gradients else None


def _tolerance(narrow: Sequence[Array], wide: Sequence[Array] | None, margin: float = MARGIN) -> float:
    """From how far the float32 is from the float64; the most that there is where nobody knows."""
    if wide is None:
        return CEILING
    return max((tolerance(_error(*pair), margin) for pair in zip(narrow, wide, strict=True)), default=0.0)


def _tolerance_alone(single: Sequence[Array], wide: Sequence[Array]) -> float:
    """Of the first input alone: what it gives may be small beside what others give, and its error relatively larger."""
    pairs = [(one, rows[:1]) for one, rows in zip(single, wide, strict=False) if one.shape == rows[:1].shape]
    return _tolerance([one for one, _ in pairs], [rows for _, rows in pairs])


def _error(narrow: Array, wide: Array) -> float:
    if not narrow.size:
        return 0.0
    return relative_error(narrow, wide) if narrow.shape == wide.shape else float("inf")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"

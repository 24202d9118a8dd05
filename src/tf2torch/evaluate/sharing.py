"""The user's images, shared out among processes that torchrun has started: evaluate/distributed.py.

Process 0 is an evaluation like any other, except that it has company for the images. Batches are the same and in the
same order as in one process, and so is every figure. What goes between the processes is a few kilobytes for a batch:
gloo carries that from GPUs, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import distributed

from tf2torch import images
from tf2torch.bundle import FloatArray
from tf2torch.errors import Tf2TorchError
from tf2torch.evaluate.network import first_line
from tf2torch.job import Job

Compute = Callable[[FloatArray], FloatArray]
Items = Sequence[images.Labelled]


def outputs(compute: Compute, job: Job, size: int) -> Iterator[tuple[int, FloatArray]]:
    """How many images are in each batch, and what the network gives of it, in order.

    With company it is the network that `announce` named last. Raises RuntimeError as torch does if it does not run,
    and what else goes wrong in another process as the error that it is there.
    """
    assert job.images is not None  # or there is nothing to share out
    if not distributed.is_initialized():
        for chunk, batch in images.batches(job.images, job.recipe, size):
            yield len(chunk), compute(batch)
        return
    items = images.labelled(job.images)
    for start in range(0, len(items), size * distributed.get_world_size()):
        say("compute", start, size)
        for part in gathered(share(lambda: (compute, items), job, start, size)) or ():
            if isinstance(part, Exception):
                raise part
            if part is not None:
                yield part


def announce(way: str) -> None:
    """Tells the others which way to load the network is looked at from now on."""
    if distributed.is_initialized():
        say("load", way)


def share(work: Callable[[], tuple[Compute, Items]], job: Job, start: int, size: int) -> Any:
    """What this process makes of its batch: how many images, and the outputs; or why there are none, as an error.

    work: gives what computes, and all images. start: of the first process's batch.
    """
    try:
        compute, items = work()
        first = start + size * distributed.get_rank()
        chunk = items[first : first + size]
        return (len(chunk), compute(images.batch(chunk, job.recipe))) if chunk else None
    except RuntimeError as error:  # the network does not run
        return RuntimeError(first_line(error))
    except (Tf2TorchError, MemoryError) as error:
        return error


def gathered(share: Any) -> list[Any] | None:
    """The shares of all processes, in their order; None but for process 0."""
    found = [None] * distributed.get_world_size() if distributed.get_rank() == 0 else None
    distributed.gather_object(share, found)
    return found


def say(*words: Any) -> None:
    distributed.broadcast_object_list([words])

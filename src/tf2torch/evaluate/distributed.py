"""An evaluation in several processes, on one machine or on more, each with a device of its own.

torchrun starts this module once for each device. Process 0 is the evaluation; the others wait for its word and compute
their share of the images: evaluate/sharing.py.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from tf2torch import cli, images, options
from tf2torch.engines.native import SOURCE
from tf2torch.errors import MachineError, UsageError
from tf2torch.evaluate import device as devices
from tf2torch.evaluate import sharing
from tf2torch.evaluate.network import Network
from tf2torch.ir import correspondence
from tf2torch.job import Job

EXIT_CODE = "TF2TORCH_EXIT_CODE"  # names the file for the exit code: torchrun has one of its own
PATIENCE = timedelta(days=1)  # how long the others wait while process 0 does what is not shared out


def serve(job: Job) -> None:
    """What the other processes do: compute their share of the images whenever process 0 says so, until it is done."""
    other = _Other(job)
    while True:
        heard: list[Any] = [None]
        distributed.broadcast_object_list(heard)
        match heard[0]:
            case ("load", way):
                other.way, other.work = way, None
            case ("compute", start, size):
                sharing.gathered(sharing.share(other.ready, job, start, size))
            case _:
                return


class _Other:
    """What a process needs to compute its share, made when it is first needed, so that its errors are told as such."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.way = ""
        self.work: tuple[sharing.Compute, sharing.Items] | None = None

    def ready(self) -> tuple[sharing.Compute, sharing.Items]:
        """The network as a function of a batch, and the images. Raises what loading them raises."""
        if self.work is None:
            job = self.job
            assert job.images is not None  # or there was nothing to share out
            device = place(job.device, int(os.environ["LOCAL_RANK"]))
            devices.exact_arithmetic()
            path = job.intermediate("codegen", "correspondence.json")
            known = correspondence.load(path) if path.is_file() else None
            engine = importlib.import_module(f"tf2torch.engines.{job.engine}.evaluate")
            model = engine.loaders(job.output / SOURCE, job.formats)[self.way]().to(device).eval()
            network = Network.of(model, device, known)
            self.work = lambda batch: network.compute([batch])[0], images.labelled(job.images)
        return self.work


def place(wanted: str, local_rank: int) -> torch.device:
    """The device of a process: the GPU of its number on this machine, or the CPU."""
    device = devices.choose(wanted)
    return torch.device("cuda", local_rank) if device.type == "cuda" else device


def count(job: Job) -> int:
    """How many processes the job asks for: `all` is one for each GPU. Raises UsageError and MachineError."""
    device = devices.choose(job.device)
    there = torch.cuda.device_count() if device.type == "cuda" else None
    if job.devices == "all":
        return there or 1
    if not job.devices.isdecimal() or int(job.devices) < 1:
        raise UsageError(f"DEVICES={job.devices} is not known. It is a number, or all.")
    if there is not None and int(job.devices) > there:
        raise MachineError(
            f"DEVICES={job.devices} was asked for, but PyTorch sees {there} GPUs. DEVICES=all takes them."
        )
    return int(job.devices)


def command(processes: int) -> list[str]:
    """The command that runs this module in so many processes on this machine, which needs no network."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    where = ["--nnodes=1", "--node-rank=0", "--master-addr=127.0.0.1", f"--master-port={port}"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", *where, f"--nproc-per-node={processes}"]
    return [*torchrun, "-m", "tf2torch.evaluate.distributed"]


def environment(code: Path) -> dict[str, str]:
    """What the processes of `command` need in their environment; `code` is the file for the exit code."""
    return {
        EXIT_CODE: str(code),
        "DEVICES": "1",
        "GLOO_SOCKET_IFNAME": os.environ.get("GLOO_SOCKET_IFNAME", "lo"),
        "OMP_NUM_THREADS": str(torch.get_num_threads()),  # as one process has: another number rounds otherwise
    }


def main() -> int:
    """What torchrun starts. Its exit code is that of the evaluation only where nobody waits for it in a file."""
    code = 0
    os.environ["DEVICES"] = "1"  # it is one of several already
    distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        if distributed.get_rank():
            serve(options.job(options.parser().parse_args([])))
        else:
            try:
                code = cli.main(["evaluate"])
            finally:
                sharing.say("end")
    finally:
        distributed.destroy_process_group()
    if EXIT_CODE not in os.environ:
        return code
    if int(os.environ["RANK"]) == 0:
        Path(os.environ[EXIT_CODE]).write_text(str(code), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

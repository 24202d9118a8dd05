"""What is measured on the PyTorch side, on small networks."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tf2torch import recipe
from tf2torch.errors import ParityError
from tf2torch.ir import printer, store

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402  # torch may be absent

from tf2torch.benchmark import capture, handwritten, latency  # noqa: E402  # torch may be absent

ROOT = Path(__file__).parents[2]
SMALLEST = {"inception_v3": 299, "resnet_v1_50": 64}  # images that the networks take
GRAPH = """
input %images: float32[?, 20, 20, 3]
param %net/w: float32[3, 3, 3, 4] trainable
param %net/b: float32[4] trainable
%net/conv: float32[?, 18, 18, 4] = Conv2D(%images, %net/w, data_format="NHWC", padding="VALID", strides=(1, 1, 1, 1))
%net/bias: float32[?, 18, 18, 4] = BiasAdd(%net/conv, %net/b, data_format="NHWC")
%net/relu: float32[?, 18, 18, 4] = Relu(%net/bias)
output %net/relu
"""


class Generated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.bn = nn.BatchNorm2d(4, eps=0.5)
        self.bn.running_var.fill_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


def test_weights_go_over_in_order() -> None:
    ours, theirs = Generated().eval(), nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1)), nn.BatchNorm2d(4))
    latency.give_weights(ours, theirs)
    assert theirs[1].eps == 0.5
    latency.check_equal(ours, theirs.eval(), latency.seeded_images(2, 8))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4)], "layer 1 is Conv2d"),
        ([nn.Conv2d(3, 4, 3)], "has other layers: 1, not 2"),
    ],
)
def test_other_layers(others: list[nn.Module], words: str) -> None:
    with pytest.raises(ParityError, match=words):
        latency.give_weights(Generated(), nn.Sequential(*others))


def test_another_network_with_the_same_layers() -> None:
    ours, theirs = Generated().eval(), nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()).eval()
    latency.give_weights(ours, theirs)
    with pytest.raises(ParityError, match="computes something else than the generated one: relative difference"):
        latency.check_equal(ours, theirs, latency.seeded_images(2, 8))


@pytest.mark.parametrize("name", handwritten.NETWORKS)
def test_the_hand_written_networks_compute_what_the_emitter_prints(name: str) -> None:
    """The snapshot is such a source. Its first weights are as good as any."""
    location = importlib.util.spec_from_file_location(name, ROOT / "tests" / "snapshots" / f"{name}.py")
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    location.loader.exec_module(module)
    classes = recipe.load(ROOT / "models", name).classes
    torch.manual_seed(0)
    generated: nn.Module = getattr(module, module.load.__annotations__["return"].__name__)(classes).eval()
    other = latency.by_hand(name, classes).eval()
    latency.give_weights(generated, other)
    latency.check_equal(generated, other, latency.seeded_images(1, SMALLEST[name]))


def test_who_begins_changes() -> None:
    called: list[str] = []
    pairs = latency.alternate(lambda: called.append("a"), lambda: called.append("b"), 2, lambda: called.append("|"))
    assert "".join(called) == "ba|ab|ba|ab|"
    assert len(pairs) == 2
    assert all(seconds >= 0 for pair in pairs for seconds in pair)


class Breaking(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x) + 1
        torch._dynamo.graph_break()
        return x * 2


def test_breaks_of_the_graph_are_counted() -> None:
    whole = capture.graphs(Generated().eval(), 8)
    assert whole == {"graphs": 1, "breaks": []}
    broken = capture.graphs(Breaking(), 8)
    assert broken["graphs"] > 1
    assert broken["breaks"]


class Fixed(nn.Module):
    """Takes one size only."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ torch.ones(192, 2)


def test_what_stays_dynamic() -> None:
    free = capture.export(Generated().eval(), 8)
    assert free["dynamic"] == ["batch", "height", "width"]
    assert [(row["shape"], row["equal"]) for row in free["checked"]] == [([3, 3, 8, 8], True), ([3, 3, 40, 40], True)]
    fixed = capture.export(Fixed(), 8)
    assert fixed["dynamic"] == ["batch"]
    assert [row["shape"] for row in fixed["checked"]] == [[3, 3, 8, 8]]


def test_codegen_and_build_in_a_child_without_tensorflow(python: Callable[..., object], tmp_path: Path) -> None:
    graph = printer.parse(GRAPH)
    weights = {param.ref.tensor: np.ones(value.type.shape or (), np.float32) for value, param in graph.params.items()}
    (tmp_path / "work/net/export").mkdir(parents=True)
    store.save(graph, weights, tmp_path / "work/net/export")
    (tmp_path / "models").mkdir()
    about = {"network": "net", "preprocessing": "inception", "output": "net/relu"}
    lines = [*(f'{key} = "{value}"' for key, value in about.items()), "classes = 4", "input_size = 20"]
    (tmp_path / "models/net.toml").write_text("\n".join(lines))
    python(
        f"sys.argv[1:] = {['conversion', 'result.json', str(tmp_path)]!r}\n"
        "from tf2torch.benchmark import child\nchild.main()",
        hide=("tensorflow",),
        cwd=tmp_path,
        MODEL="net",
        WORK_FOLDER="work",
    )
    found = json.loads((tmp_path / "result.json").read_text())
    assert list(found["seconds"]) == ["load", "passes", "write", "build"]
    assert 0 < found["peak_megabytes"]["imports"] <= found["peak_megabytes"]["codegen"]
    assert found["weights_megabytes"] < 0.01
    assert (tmp_path / "converted_pytorch.pth").is_file()

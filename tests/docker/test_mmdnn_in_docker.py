"""MMdnn's own commands by `make mmdnn`, each where its framework is."""

from __future__ import annotations

from checkout import SMALL_MODEL, Checkout

EXPORTED = f"output/{SMALL_MODEL}/mmdnn/{SMALL_MODEL}.ckpt"


def mmdnn(checkout: Checkout, command: str, status: int = 0) -> str:
    return checkout.make("mmdnn", f"CMD={command}", status=status).text


def sizes(checkout: Checkout, *names: str) -> list[bool]:
    return [(checkout.folder / "output" / name).stat().st_size > 1000 for name in names]


def test_from_graph_to_model_step_by_step(converted: Checkout) -> None:
    mmdnn(converted, f"mmtoir -f tensorflow -n {EXPORTED}.meta -w {EXPORTED} -node MMdnn_Output -o step")
    assert all(sizes(converted, "step.json", "step.pb", "step.npy"))
    mmdnn(converted, "mmtocode -f pytorch -in step.pb -iw step.npy -o step.py -ow step_pytorch.npy")
    assert all(sizes(converted, "step.py", "step_pytorch.npy"))
    mmdnn(converted, "mmtomodel -f pytorch -in step.py -iw step_pytorch.npy -o step.pth")
    assert all(sizes(converted, "step.pth"))
    assert "class KitModel(nn.Module)" in (converted.folder / "output/step.py").read_text()


def test_from_graph_to_model_in_one_command(converted: Checkout) -> None:
    source = f"-sf tensorflow -in {EXPORTED}.meta -iw {EXPORTED} --dstNodeName MMdnn_Output"
    mmdnn(converted, f"mmconvert {source} -df pytorch -om once.pth")
    assert all(sizes(converted, "once.pth", "once.py"))
    assert (converted.folder / "output/once.pth").stat().st_uid == converted.uid


def test_an_unknown_command_is_said_in_words(converted: Checkout) -> None:
    said = mmdnn(converted, "mmtoirr --help", status=2)
    assert "MMdnn has no command 'mmtoirr'. Did you mean mmtoir" in said
    assert "Traceback" not in said

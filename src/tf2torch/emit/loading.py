"""What every generated file ends with: `load`, `KitModel` and the self-test."""

from __future__ import annotations

WEIGHTS, SKETCH = "converted_pytorch.safetensors", "converted_pytorch.sketch.safetensors"

HEADER = f'WEIGHTS = Path(__file__).with_name("{WEIGHTS}")'

_LOAD = '''\
def load(weights: str | Path = WEIGHTS{num_classes}, features: bool = False) -> {name}:
    """Ready to evaluate. {about_classes}With features: a dictionary of what each part gives."""
    import numpy
    from safetensors.torch import load_file

    state = load_file(weights) if str(weights)[-4:] != ".npy" else numpy.load(weights, allow_pickle=True).item()
    network = {name}({given})
{fresh_head}    network.load_state_dict({{name: torch.as_tensor(value) for name, value in state.items()}})
    found: dict[str, Tensor] = {{}}  # "features" is what the last part, the head, is given
    for name, part in network.named_children() if features else ():
        part.register_forward_hook(lambda _, x, y, name=name: found.update({{"features": x[0], name: y}}))
    if features:
        network.register_forward_hook(lambda *_: dict(found))
    return network.eval()


KitModel = load  # MMdnn's name for it
'''
_FRESH_HEAD = """\
    state |= {{k: v for k, v in network.state_dict().items() if num_classes != {classes} and k.startswith("{head}.")}}
"""
_CHECK = """\
if __name__ == "__main__":  # --check: compares with what TensorFlow computed
    from safetensors.torch import load_file

    sketch = load_file(WEIGHTS.with_suffix(".sketch.safetensors"))
    error = float((load()({inputs}){first}.detach() - sketch["output"]).abs().max() / sketch["output"].abs().max())
    print(f"relative error {{error:.1e}}, tolerance {{float(sketch['tolerance']):.1e}}")
    raise SystemExit(not error <= float(sketch["tolerance"]))
"""


def source(name: str, head: str | None, classes: int | None, inputs: int, outputs: int) -> str:
    """The end of the file of a network; `inputs` and `outputs` are how many it takes and gives."""
    has_head = head is not None and classes is not None
    load = _LOAD.format(
        name=name,
        num_classes=f", num_classes: int = {classes}" if has_head else "",
        about_classes="Other num_classes: a fresh head. " if has_head else "",
        given="num_classes" if has_head else "",
        fresh_head=_FRESH_HEAD.format(classes=classes, head=head) if has_head else "",
    )
    given = 'sketch["input"]' if inputs == 1 else f'*(sketch[f"input{{index}}"] for index in range({inputs}))'
    return f"{load}\n{_CHECK.format(inputs=given, first='' if outputs == 1 else '[0]')}".rstrip()

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tf2torch.errors import UsageError
from tf2torch.recipe import Recipe, load, names

MODELS = Path(__file__).parents[1] / "models"
SHIPPED = names(MODELS)
PUBLISHED_NOWHERE = {
    *("alexnet_v2", "overfeat"),
    "nasnet_cifar",
    *("cifarnet", "cyclegan_generator", "dcgan_discriminator", "dcgan_generator", "i3d", "lenet"),
    *("pix2pix_discriminator", "pix2pix_generator", "s3dg"),
    *("facenet", "inception_resnet_v1"),  # facenet: where no client but a browser gets at them
}
ADVERSARIAL = {
    *("adv_inception_v3", "ens3_adv_inception_v3", "ens4_adv_inception_v3"),
    *("adv_inception_resnet_v2", "ens_adv_inception_resnet_v2"),
}
ACCURACY_UNKNOWN = {*ADVERSARIAL}
NASNETS = {  # archives that are not called like the model
    "nasnet_large": "nasnet-a_large_04_10_2017.tar.gz",
    "nasnet_mobile": "nasnet-a_mobile_04_10_2017.tar.gz",
    "pnasnet_large": "pnasnet-5_large_2017_12_13.tar.gz",
    "pnasnet_mobile": "pnasnet-5_mobile_2017_12_13.tar.gz",
}
DATED = {  # files that are not called like the model
    "inception_resnet_v2": "inception_resnet_v2_2016_08_30.ckpt",
    **dict.fromkeys(NASNETS, "model.ckpt"),
}
MOBILENETS = {  # kind, channels and pixels
    name: (match[1], float(match[2]), int(match[3]))
    for name in SHIPPED
    if (match := re.fullmatch(r"mobilenet_(v\d\w*?)_([\d.]+)_(\d+)", name))
}
MINIMAL = """
network = "net"
classes = 1001
input_size = 224
preprocessing = "vgg"
output = "net/logits"
"""
WEIGHTS = '[weights]\nurl = "https://example.org/net.tar.gz"\nfile = "net.ckpt"\n'


def write(folder: Path, text: str, name: str = "net") -> Path:
    (folder / f"{name}.toml").write_text(text)
    return folder


def test_the_fourteen_models_are_there() -> None:
    residual = {f"resnet_v{version}_{depth}" for version in (1, 2) for depth in (50, 101, 152)} | {"resnet_v2_200"}
    others = {"alexnet_v2", "inception_v1", "inception_v2", "inception_v3", "overfeat", "vgg_16", "vgg_19"}
    assert residual | others <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe(name: str) -> None:
    recipe = load(MODELS, name)
    assert recipe.name == name
    assert recipe.label_offset == (1 if recipe.classes == 1000 else 0)
    if recipe.classes in (1000, 1001):
        assert (recipe.preprocessing == "inception") == (recipe.classes == 1001)
        assert recipe.input_size in range(96, 332)
    assert re.fullmatch(r"\w+(/\w+)+", recipe.output)
    assert (MODELS / f"{name}.toml").read_text().startswith("# ")
    assert (recipe.weights is None) == (name in PUBLISHED_NOWHERE)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in {*PUBLISHED_NOWHERE, *MOBILENETS}])
def test_the_weights_of_a_shipped_recipe(name: str) -> None:
    weights, accuracy = load(MODELS, name).weights, load(MODELS, name).accuracy
    assert weights
    assert (accuracy is None) == (name in ACCURACY_UNKNOWN)
    bucket = "https://storage.googleapis.com/download.tensorflow.org/models/"
    archive = re.escape(NASNETS[name]) if name in NASNETS else rf"{name}_201[67]_\d\d_\d\d\.tar\.gz"
    assert re.fullmatch(re.escape(bucket) + archive, weights.url)
    assert weights.file == DATED.get(name, f"{name}.ckpt")
    assert weights.size is None or 10**6 < weights.size < 10**9
    assert weights.sha256 is None or re.fullmatch("[0-9a-f]{64}", weights.sha256)
    assert weights.sha384 is None or re.fullmatch("[0-9a-f]{96}", weights.sha384)
    assert weights.md5 is None or re.fullmatch("[0-9a-f]{32}", weights.md5)
    assert accuracy is None or 60 < accuracy.top1 < accuracy.top5 < 100


def test_the_mobilenets() -> None:
    assert Counter(kind.partition("_")[0] for kind, _, _ in MOBILENETS.values()) == {"v1": 16, "v2": 22, "v3": 6}
    for name, (kind, multiplier, pixels) in MOBILENETS.items():
        recipe = load(MODELS, name)
        size = "_large" * ("large" in kind) + "_small" * ("small" in kind)
        assert (recipe.network, recipe.input_size) == (f"mobilenet_{kind[:2]}{size}", pixels)
        assert recipe.options.get("multiplier", 1.0) == multiplier
        assert recipe.options.get("minimalistic", False) == ("minimalistic" in kind)
        assert recipe.weights
        archive = recipe.weights.url.removeprefix("https://storage.googleapis.com/").rpartition("/")[2]
        if kind[:2] == "v3":
            assert archive == f"{kind.replace('_', '-')}_224_{multiplier}_float.tgz"
        else:
            assert f"{recipe.weights.file.removesuffix('.ckpt')}.tgz" == archive
            assert archive == f"mobilenet_{kind}_{multiplier}_{pixels}.tgz"


@pytest.mark.parametrize("name", MOBILENETS)
def test_a_smaller_mobilenet_is_less_accurate(name: str) -> None:
    def accuracy(model: str) -> float:
        found = load(MODELS, model).accuracy
        assert found
        return found.top1

    kind, multiplier, pixels = MOBILENETS[name]
    smaller = [
        other
        for other, (one, channels, size) in MOBILENETS.items()
        if one == kind and channels <= multiplier and size <= pixels and other != name
    ]
    assert 40 < accuracy(name) < 76
    assert all(accuracy(other) < accuracy(name) for other in smaller)


def test_the_smallest_recipe(tmp_path: Path) -> None:
    assert load(write(tmp_path, MINIMAL), "net") == Recipe("net", "net", 1001, 224, "vgg", "net/logits")


def test_scopes_may_end_in_a_slash(tmp_path: Path) -> None:
    recipe = load(write(tmp_path, MINIMAL + 'scope_map = {"tower/net/" = "net/"}\nguessed = true\n'), "net")
    assert (recipe.scope_map, recipe.guessed) == ({"tower/net": "net"}, True)


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    recipe = load(write(tmp_path, MINIMAL + "[accuracy]\ntop1 = 70\ntop5 = 90.5\n"), "net")
    assert recipe.accuracy
    assert (recipe.accuracy.top1, recipe.accuracy.top5) == (70, 90.5)


WRONG = {
    "no TOML": ("network = ", "Invalid value"),
    "not UTF-8": ("\udcff", "codec"),
    "a key is missing": (MINIMAL.replace("classes = 1001", ""), "classes"),
    "an unknown key": (MINIMAL + "clases = 3", "did you mean 'classes'"),
    "an unknown key, far off": (MINIMAL + "zzz = 3", "unknown key 'zzz'"),
    "an unknown key of a table": (MINIMAL + WEIGHTS + "sha1 = 'x'", "unknown key 'sha1'"),
    "text for a number": (MINIMAL.replace("1001", "'1001'"), "classes is '1001', not int"),
    "a truth value for a number": (MINIMAL.replace("1001", "true"), "classes is True"),
    "a fraction": (MINIMAL.replace("224", "224.5"), "input_size is 224.5"),
    "less than no classes": (MINIMAL.replace("1001", "-1"), "positive"),
    "no pixels": (MINIMAL.replace("224", "0"), "positive"),
    "two ways to say how large": (MINIMAL + "input_shape = [8, 8, 3]", "input_size and input_shape"),
    "a word for a truth value": (MINIMAL + "guessed = 'no'", "guessed is 'no', not bool"),
    "no lengths": (MINIMAL.replace("input_size = 224", "input_shape = []"), "lengths of the axes"),
    "unknown preprocessing": (MINIMAL.replace("vgg", "caffe"), "not one of inception, vgg"),
    "a number for a name": (MINIMAL.replace('"net/logits"', "3"), "output is 3"),
    "text for a table": ("weights = 'net.ckpt'" + MINIMAL, "weights is 'net.ckpt', not a table"),
    "a list for a table": ("accuracy = [70, 90]" + MINIMAL, "not a table"),
    "an empty table": (MINIMAL + "[weights]", "url"),
}


@pytest.mark.parametrize(("text", "words"), WRONG.values(), ids=WRONG)
def test_a_wrong_recipe(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "net.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=words) as caught:
        load(tmp_path, "net")
    assert "models/net.toml" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("inception_3", "Did you mean inception_v3"),
        ("resnet_v1_5O", "resnet_v1_50"),
        ("xyzzy", "make list"),
        ("../pyproject", "Unknown model"),
        ("", "Unknown model"),
    ],
)
def test_an_unknown_model(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        load(MODELS, name)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="root of the repository"):
        names(tmp_path / "models")

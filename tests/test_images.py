from __future__ import annotations

import csv
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tf2torch import images
from tf2torch.errors import InputError
from tf2torch.recipe import Preprocessing, Recipe

Run = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = Path(__file__).parent / "tensorflow_images.py"
RESIZED = [  # from, to
    ((8, 8), (8, 8)),
    ((7, 5), (14, 10)),
    ((14, 10), (7, 5)),
    ((33, 47), (29, 61)),
    ((101, 67), (299, 299)),
    ((1, 9), (5, 4)),
    ((9, 1), (1, 3)),
    ((401, 399), (224, 231)),
]
PHOTOGRAPHED = [  # (height, width) of the file, input size of the network
    ((299, 300), 299),
    ((37, 50), 29),
    ((51, 36), 32),
    ((333, 500), 224),
    ((375, 499), 231),
    ((20, 23), 64),
    ((15, 15), 31),
]
PINNED = ([0.192132, 0.255088, 0.952122], [0.726732, 0.634512, 0.712040], 1253.242417)  # two pixels and a sum
STYLES: tuple[Preprocessing, ...] = ("inception", "vgg")


def recipe(size: int, style: Preprocessing) -> Recipe:
    return Recipe("net", "net", 1001, size, style, "net/logits")


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng([height, width]).integers(0, 256, (height, width, 3), np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def scaled(pixels: np.ndarray) -> images.FloatArray:
    """As tf.image.convert_image_dtype does it."""
    return pixels.astype(np.float32) * np.float32(1 / 255)


@pytest.fixture(scope="module")
def tensorflow(
    need: Callable[..., None], python: Run, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, np.ndarray]:
    """What TensorFlow makes of the images, by style, the size asked for, and the size of the image."""
    need("tensorflow")
    folder = tmp_path_factory.mktemp("tensorflow")
    wanted = {key("resize", to, size): scaled(noise(*size)) for size, to in RESIZED}
    for size, to in PHOTOGRAPHED:
        wanted |= {key(style, (to, to), size): scaled(noise(*size)) for style in STYLES}
    np.savez(folder / "images.npz", **wanted)
    run = f"import runpy; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    python(run, folder / "images.npz", folder / "results.npz", hide=("torch",), cwd=folder)
    return dict(np.load(folder / "results.npz"))


def key(style: str, wanted: tuple[int, int], size: tuple[int, int]) -> str:
    return f"{style} {wanted[0]} {wanted[1]} {size[0]} {size[1]}"


@pytest.mark.parametrize(("size", "wanted"), RESIZED)
def test_resize_is_tensorflows(
    tensorflow: dict[str, np.ndarray], size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    ours, theirs = images.resize(scaled(noise(*size)), *wanted), tensorflow[key("resize", wanted, size)]
    assert ours.shape == theirs.shape == (*wanted, 3)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() <= 1e-6


@pytest.mark.parametrize(("size", "wanted"), PHOTOGRAPHED)
@pytest.mark.parametrize("style", STYLES)
def test_preprocessing_is_tensorflows(
    tensorflow: dict[str, np.ndarray], tmp_path: Path, size: tuple[int, int], wanted: int, style: Preprocessing
) -> None:
    path = save(tmp_path / "image.png", noise(*size))
    ours = images.network_input(images.read(path, recipe(wanted, style)), style)
    theirs = tensorflow[key(style, (wanted, wanted), size)]
    assert ours.shape == theirs.shape == (wanted, wanted, 3)
    assert ours.dtype == np.float32
    assert np.abs(ours - theirs).max() <= (2e-6 if style == "inception" else 2e-4)  # the ranges are 2 and 255


@pytest.mark.parametrize("style", STYLES)
def test_an_image_of_the_input_size_is_only_scaled(tmp_path: Path, style: Preprocessing) -> None:
    pixels = noise(48, 48)
    read = images.read(save(tmp_path / "image.png", pixels), recipe(48, style))
    assert read.dtype == np.float32
    assert np.array_equal(read, pixels.astype(np.float32) / 255)


def test_the_range_of_the_network() -> None:
    ends = np.array([[0, 0, 0], [1, 1, 1]], np.float32)
    assert images.network_input(ends, "inception").tolist() == [[-1] * 3, [1] * 3]
    assert np.allclose(images.network_input(ends, "vgg"), [[-123.68, -116.78, -103.94], [131.32, 138.22, 151.06]])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK"])
def test_every_kind_of_image_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("image.tiff" if mode == "CMYK" else "image.png")
    Image.new(mode, (10, 10), 0).save(path)
    assert images.read(path, recipe(10, "vgg")).shape == (10, 10, 3)


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file with a correct checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"not an image",
    "cut short": lambda whole: whole[: len(whole) // 2],
    "only a header": lambda whole: whole[:40],
    "a wrong chunk": lambda whole: whole[:33] + chunk(b"IDAT", whole[41:141]) + b"\0\0\0\1\xff\xff\xff\xff" + bytes(9),
    "wrong data": lambda whole: whole[:60] + bytes(100) + whole[160:],
    "no header": lambda whole: whole[:8] + chunk(b"IHDR", b"") + whole[33:],
    "a bomb": lambda whole: whole[:8] + chunk(b"IHDR", b"\x00\x10\x00\x00" * 2 + whole[24:29]) + whole[33:],
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_a_broken_image_is_named(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(damage(save(tmp_path / "whole.png", noise(40, 40)).read_bytes()))
    with pytest.raises(InputError, match=r"broken\.png"):
        images.read(path, recipe(20, "vgg"))


# ---- labels.csv

WRONG_LABELS = {
    "no file, no folders": (None, "There is no labels.csv.*Nor are there images in a folder for each class"),
    "empty": ("", "names no images"),
    "a header only": ("filename,label\n", "names no images"),
    "no header": ("a.png,5\na.png,6\n", "line 2 is not"),
    "a word": ("filename,label\na.png,5\na.png,cat\n", "line 3 is not .*number"),
    "a negative number": ("filename,label\na.png,-1\n", "line 2"),
    "a fraction": ("filename,label\na.png,1.5\n", "line 2"),
    "no label": ("filename,label\na.png\n", "line 2"),
    "no name": ("filename,label\n,5\n", "line 2"),
    "missing": ("filename,label\na.png,5\nb.png,5\n", r"line 3 names b\.png, which is not in that folder"),
    "blank lines count": ("filename,label\n\n\na.png,cat\n", "line 4"),
    "a folder": ("filename,label\n.,5\n", "line 2"),
    "outside": ("filename,label\n../outside.png,5\n", "line 2 names ../outside.png, which is not in that folder"),
    "absolute": ("filename,label\n{outside},5\n", "line 2 names .*outside.png, which is not in that folder"),
    "not UTF-8": ("filename,label\n\udce9.png,5\n", "labels.csv is not UTF-8"),
    "no text": ("filename,label\na\x00.png,5\n", "labels.csv"),
}


@pytest.mark.parametrize(("text", "words"), WRONG_LABELS.values(), ids=WRONG_LABELS)
def test_wrong_labels(tmp_path: Path, text: str | None, words: str) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    outside = save(tmp_path / "outside.png", noise(4, 4))
    save(folder / "a.png", noise(4, 4))
    if text is not None:
        (folder / "labels.csv").write_bytes(text.format(outside=outside).encode(errors="surrogateescape"))
    with pytest.raises(InputError, match=words):
        images.labelled(folder)


def test_labels_as_a_spreadsheet_saves_them(tmp_path: Path) -> None:
    save(tmp_path / "a.png", noise(4, 4))
    (tmp_path / "labels.csv").write_bytes("\ufefffilename,label,remark\r\na.png, 7 ,seen\r\n".encode())
    assert images.labelled(tmp_path) == [images.Labelled(tmp_path / "a.png", 7)]


@pytest.mark.parametrize(("count", "size", "chunks"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 10, [2])])
def test_batches_hold_all_images_in_order(tmp_path: Path, count: int, size: int, chunks: list[int]) -> None:
    names = [f"{number % 2}/{number}.png" for number in reversed(range(count))]
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "label"), *((name, number) for number, name in enumerate(names))])
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        save(tmp_path / name, np.full((8, 8, 3), number, np.uint8))
    found = list(images.batches(tmp_path, recipe(8, "vgg"), size))
    assert [len(chunk) for chunk, _ in found] == [len(batch) for _, batch in found] == chunks
    assert [(item.path, item.label) for chunk, _ in found for item in chunk] == [
        (tmp_path / name, number) for number, name in enumerate(names)
    ]
    values = np.concatenate([batch for _, batch in found])
    assert values.shape == (count, 8, 8, 3)
    assert np.allclose(values, np.arange(count)[:, None, None, None] - images.VGG_MEANS, atol=1e-4)


# ---- a folder for each class


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (("0", "12", "7"), [0, 12, 7]),
        (("000", "0012"), [0, 12]),
        (("n01440764", "n01443537", "n02100735"), [1, 2, 3]),
        (("1", "cat"), [1, 2]),
    ],
    ids=["labels", "padded labels", "names", "names and numbers"],
)
def test_a_folder_for_each_class(tmp_path: Path, folders: tuple[str, ...], labels: list[int]) -> None:
    for folder in (*folders, ".cache"):
        for name in ("b.png", "deeper/a.JPEG"):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            save(path, noise(4, 4))
            path.with_suffix(".txt").write_text("no image")
    assert images.labelled(tmp_path) == [
        images.Labelled(tmp_path / folder / name, label)
        for folder, label in zip(folders, labels, strict=True)
        for name in ("b.png", "deeper/a.JPEG")
    ]


# ---- seeded images


def test_seeded_images_are_the_same_everywhere() -> None:
    made = images.seeded(3, 2, 20)
    assert made.shape == (2, 20, 20, 3)
    assert made.dtype == np.float32
    assert made[0, 7, 11] == pytest.approx(PINNED[0], abs=1e-6)
    assert made[1, 19, 0] == pytest.approx(PINNED[1], abs=1e-6)
    assert made.astype(np.float64).sum() == pytest.approx(PINNED[2], abs=1e-3)


def test_seeded_images_do_not_depend_on_their_number() -> None:
    assert np.array_equal(images.seeded(3, 3, 16)[:2], images.seeded(3, 2, 16))


def test_seeds_and_images_differ() -> None:
    made = np.concatenate([images.seeded(seed, 3, 24) for seed in range(4)])
    distances = np.abs(made[:, None] - made[None]).mean((2, 3, 4)) + np.eye(len(made))
    assert distances.min() > 0.05


def test_seeded_images_use_the_range_of_images() -> None:
    made = images.seeded(0, 10, 64)
    assert made.min() >= 0
    assert made.max() <= 1
    assert made.max() - made.min() > 0.9
    assert np.ptp(made.mean((1, 2, 3))) > 0.2
    assert (made.std((1, 2, 3)) > 0.05).all()


def test_seeded_images_have_no_patches_of_one_colour() -> None:
    made = images.seeded(1, 8, 96)
    assert (made[:, 1:] == made[:, :-1]).mean() < 1e-3
    assert (made[:, :, 1:] == made[:, :, :-1]).mean() < 1e-3

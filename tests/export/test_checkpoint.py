from __future__ import annotations

from typing import Any

import numpy as np
import pytest

LOADS = ("the same", "the same, version 1", "surplus", "auxiliary of another shape", "auxiliary missing")
DAMAGES = (
    "data cut short",
    "data empty",
    "data altered",
    "index cut short",
    "index empty",
    "index of text",
    "version 1 of text",
    "version 1 empty",
    "version 1 cut short",
    "version 1 altered",
)
WRONG = {  # words that are there, and words that are not
    "missing": (["1 of 12", "conv1/weights is missing"], ["nearest: Tiny/conv", "biases"]),
    "renamed": (["12 of 12", "Tiny/conv1/weights is missing (nearest: Tinny/conv1/weights)", "and 2 more"], []),
    "nothing alike": (["12 of 12", "Tiny/conv1/weights is missing\n"], ["nearest"]),
    "wrong shape": (["1 of 12", "Tiny/logits/weights is [1, 1, 8, 12], the network has [1, 1, 8, 11]"], ["missing"]),
    "transposed": (["Tiny/logits/weights is [1, 1, 11, 8], the network has [1, 1, 8, 11]"], ["missing"]),
    "several at once": (
        ["2 of 12", "conv1/weights is missing (nearest: Tiny/conv1/kernel, which is [1]", "Tiny/logits/biases is [12]"],
        ["conv2"],
    ),
}


@pytest.mark.parametrize("case", LOADS)
def test_a_checkpoint_that_holds_what_the_output_needs(observed: Any, case: str) -> None:
    """In both formats. What the network does not know is left alone, as the optimizer's variables are."""
    assert observed.facts[f"fitting/{case}"] == {"error": None, "words": ""}
    assert np.array_equal(observed.arrays[f"fitting/{case}"], observed.arrays["logits"])
    found, expected = observed.below(f"fitting/{case}"), observed.below("loaded")
    if "auxiliary" in case:
        expected = {name: value for name, value in expected.items() if name in found}
        assert len(expected) >= 12
        assert "Tiny/auxiliary/weights" not in found
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("case", WRONG)
def test_a_checkpoint_of_another_network(observed: Any, case: str) -> None:
    fact = observed.facts[f"fitting/{case}"]
    assert fact["error"] == "InputError"
    assert "models/net.ckpt does not fit the network tiny" in fact["words"]
    there, absent = WRONG[case]
    for words in there:
        assert words in fact["words"]
    for words in absent:
        assert words not in fact["words"]


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_checkpoint(observed: Any, case: str) -> None:
    fact = observed.facts[f"damaged/{case}"]
    assert fact["error"] == "InputError"
    assert "The checkpoint models/net.ckpt cannot be read (" in fact["words"]
    assert "make fetch MODEL=net" in fact["words"]


def test_no_damage_is_forgotten(observed: Any) -> None:
    assert {name for name in observed.facts if name.startswith("damaged/")} == {f"damaged/{case}" for case in DAMAGES}
    assert {name for name in observed.facts if name.startswith("fitting/")} == {
        f"fitting/{case}" for case in (*LOADS, *WRONG)
    }


def test_no_checkpoint(observed: Any) -> None:
    fact = observed.facts["no checkpoint"]
    assert fact["error"] == "InputError"
    assert "There is no checkpoint models/net.ckpt" in fact["words"]
    assert "WEIGHTS=random" in fact["words"]


def test_what_is_saved_computes_the_same_under_the_name_of_the_output(observed: Any) -> None:
    assert observed.facts["saved files"] == ["net.ckpt.data-00000-of-00001", "net.ckpt.index", "net.ckpt.meta"]
    assert observed.arrays["reloaded"].shape == (4, 11)
    assert np.array_equal(observed.arrays["reloaded"], observed.arrays["logits"])


def test_the_source_of_random_weights_is_their_seed(observed: Any) -> None:
    assert observed.facts["sources"]["random"] == {"random_seed": 4}


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("unknown network", "'resnet_v1_5O', which is not defined. Did you mean resnet_v1_50"),
        ("far off", "'xyzzy', which is not defined. Known: alexnet_v2, inception_v1"),
        (
            "unknown output",
            "the output 'Tiny/SpatialSqueze', which the network tiny does not have. Did you mean Tiny/Sp",
        ),
    ],
)
def test_a_recipe_that_names_what_is_not_there(observed: Any, case: str, words: str) -> None:
    fact = observed.facts[f"building/{case}"]
    assert fact["error"] == "UsageError"
    assert words in fact["words"]

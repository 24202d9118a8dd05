from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy_network import SCALE, convolution, in_float64, logits

from tf2torch import bundle
from tf2torch.bundle import MARGIN, relative_error

NORMALISED = ("conv1", "conv2")


def test_the_same_seed_gives_the_same_values(observed: Any) -> None:
    first, again = observed.below("random/first"), observed.below("random/again")
    assert first.keys() == again.keys() == observed.below("loaded").keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert all(value.dtype == np.float32 for value in first.values())


def test_another_seed_gives_others(observed: Any) -> None:
    first, other = observed.below("random/first"), observed.below("random/other")
    assert first.keys() == other.keys()
    assert not any((first[name] == other[name]).any() for name in first)


def test_batch_norm_has_statistics_that_matter(observed: Any) -> None:
    layers = [observed.below(f"loaded/Tiny/{layer}/BatchNorm") for layer in NORMALISED]
    means, variances, gammas, betas = (
        np.concatenate([parts[name] for parts in layers])
        for name in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    assert np.abs(means).max() > 0.5
    assert (variances > 0).all()
    assert np.abs(np.log(variances)).max() > 0.5
    assert np.ptp(gammas) > 0.5
    assert np.ptp(betas) > 0.5


def test_the_statistics_are_those_of_the_seeded_images(observed: Any) -> None:
    """Exactly: the moving average forgets at once. TensorFlow's variance is the unbiased one."""
    variables = in_float64(observed.below("loaded"))
    calibration = observed.arrays["calibration"].astype(np.float64) * SCALE
    x = convolution(calibration, variables["Tiny/conv1/weights"], 2)
    assert np.allclose(variables["Tiny/conv1/BatchNorm/moving_mean"], x.mean((0, 1, 2)), rtol=1e-4, atol=1e-5)
    variance = x.reshape(-1, x.shape[-1]).var(0, ddof=1)
    assert np.allclose(variables["Tiny/conv1/BatchNorm/moving_variance"], variance, rtol=1e-4)


def test_logits_are_finite_and_tell_images_apart(observed: Any) -> None:
    for name in ("logits", "calibration logits"):
        assert np.isfinite(observed.arrays[name]).all()
        assert observed.arrays[name].std(0).max() > 0.1
    shared = observed.arrays["calibration logits"].mean(0)
    assert np.abs(shared).max() < 0.05 * np.abs(observed.arrays["calibration logits"]).max()
    assert len(set(observed.arrays["calibration logits"].argmax(1))) > 2


def swapped(variables: dict[str, Any], one: str, other: str) -> dict[str, Any]:
    changed = dict(variables)
    for layer in NORMALISED:
        names = f"Tiny/{layer}/BatchNorm/{one}", f"Tiny/{layer}/BatchNorm/{other}"
        changed[names[0]], changed[names[1]] = variables[names[1]], variables[names[0]]
    return changed


@pytest.mark.parametrize(
    ("one", "other"), [("moving_mean", "beta"), ("moving_variance", "gamma"), ("moving_mean", "moving_variance")]
)
def test_swapped_parts_of_a_batch_norm_show(observed: Any, one: str, other: str) -> None:
    variables, batch = in_float64(observed.below("loaded")), observed.arrays["batch"].astype(np.float64)
    with np.errstate(invalid="ignore"):  # a mean may be no variance
        wrong = logits(swapped(variables, one, other), batch)
    assert relative_error(wrong, observed.arrays["float64"]) > 0.01


@pytest.mark.parametrize("epsilon", [1e-5, 0.0, 0.002])
def test_a_wrong_epsilon_shows(observed: Any, epsilon: float) -> None:
    """By far more than the tolerance that the measured float32 error grants."""
    variables, batch = in_float64(observed.below("loaded")), observed.arrays["batch"].astype(np.float64)
    tolerance = max(bundle.FLOOR, MARGIN * relative_error(observed.arrays["logits"], observed.arrays["float64"]))
    assert relative_error(logits(variables, batch, epsilon), observed.arrays["float64"]) > 10 * tolerance


def test_kernels_keep_the_variance(observed: Any) -> None:
    assert observed.arrays["draw/weights"].std() == pytest.approx(np.sqrt(2 / (9 * 50)), rel=0.02)
    assert observed.arrays["draw/depthwise_weights"].std() == pytest.approx(np.sqrt(2 / 9), rel=0.03)
    assert np.abs(observed.arrays["draw/weights"].mean()) < 1e-3


def test_a_variable_depends_on_its_name(observed: Any) -> None:
    assert 0.5 <= observed.arrays["draw/gamma"].min() < observed.arrays["draw/gamma"].max() <= 1.5
    assert not (observed.arrays["draw/gamma"] == observed.arrays["draw/other name"]).any()

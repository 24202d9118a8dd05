"""The targets of make that only look."""

from __future__ import annotations

import json

from checkout import SMALL_MODEL, Checkout


def test_plan_tells_what_would_run_and_why(converted: Checkout) -> None:
    plan = converted.make("plan").text.splitlines()
    assert [line.split() for line in plan] == [
        [stage, "skip", "unchanged"] for stage in ("export", "codegen", "build", "evaluate")
    ]
    plan = converted.make("plan", "SEED=1").text.splitlines()
    assert plan[0].split() == ["export", "run", "options", "changed:", "seed"]
    assert plan[3].split() == ["evaluate", "run", "a", "stage", "before", "it", "runs"]


def test_list_and_info_can_be_read_by_programs(converted: Checkout) -> None:
    models = json.loads(converted.make("list", "JSON=1").text)
    assert SMALL_MODEL in json.dumps(models)
    assert SMALL_MODEL in converted.make("list")
    assert json.loads(converted.make("info", "JSON=1").text)
    assert SMALL_MODEL in converted.make("info")


def test_an_unknown_model_is_said_in_words_with_the_nearest_names(converted: Checkout) -> None:
    done = converted.make("convert", "MODEL=inception_v9", status=2)
    assert "Unknown model 'inception_v9'" in done
    assert "Did you mean inception_v" in done

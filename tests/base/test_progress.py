from __future__ import annotations

import threading

import pytest

from oscc.base import progress
from oscc.base.progress import labelled, tell_stage, watched


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other without a pause."""
    monkeypatch.setattr(progress, "LOOK_EVERY_S", 0.001)


def test_what_is_looked_at_is_reported_at_once_and_again_until_the_block_ends() -> None:
    told: list[tuple[str, float]] = []
    enough = threading.Event()

    def look() -> tuple[str, float]:
        if len(told) >= 4:
            enough.set()
        return f"file {len(told)}", len(told) / 10

    with watched(lambda what, done: told.append((what, done)), look):
        assert told[0] == ("file 0", 0.0)
        assert enough.wait(60)
    assert told[:4] == [("file 0", 0.0), ("file 1", 0.1), ("file 2", 0.2), ("file 3", 0.3)]
    assert "oscc-watch" not in {thread.name for thread in threading.enumerate()}


def test_a_stage_begins_where_nobody_knows_how_far_it_is() -> None:
    told: list[tuple[str, float]] = []

    def report(what: str, done: float) -> None:
        told.append((what, done))

    report("running", 1.0)
    tell_stage(report, "writing")
    inner = labelled(report, "engine array")
    assert inner is not None
    inner("running", 0.5)
    assert told == [("running", 1.0), ("writing", 0.0), ("engine array: running", 0.5)]
    tell_stage(None, "nobody")
    assert labelled(None, "nobody") is None


def test_nothing_is_looked_at_where_nobody_listens() -> None:
    looks: list[None] = []

    def look() -> tuple[str, float]:
        looks.append(None)
        return "looked", 0.0

    with watched(None, look):
        # Nor is there a thread that might yet look.
        watching = [thread.name for thread in threading.enumerate() if thread.name == "oscc-watch"]
    assert (looks, watching) == ([], [])


def test_files_that_are_gone_are_nothing_new_and_errors_of_the_block_come_through() -> None:
    looked = threading.Event()
    counts = [0]

    def look() -> tuple[str, float]:
        counts[0] += 1
        if counts[0] > 2:
            looked.set()
        raise FileNotFoundError

    told: list[str] = []

    def work() -> None:
        with watched(lambda what, done: told.append(what), look):
            # It looks on after the first that was gone.
            assert looked.wait(60)
            raise ValueError("stop")

    with pytest.raises(ValueError, match=r"^stop$"):
        work()
    assert told == []
    assert "oscc-watch" not in {thread.name for thread in threading.enumerate()}

from __future__ import annotations

from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.sim.engines.simulator_log import SimulatorLogs
from oscc.sim.failed_run import failures_kept


def test_whole_logs_are_kept_and_named(tmp_path: Path) -> None:
    folder = tmp_path / "cosim-icarus"
    used: list[Path] = []

    def fail() -> None:
        with failures_kept(folder) as scratch:
            used.append(scratch)
            (scratch / "waves.vcd").write_text("waves")
            logs = SimulatorLogs({"test.log": "all\n"})
            raise OsccError("a.b", "it failed", where="icarus", hint="do this") from logs

    with pytest.raises(OsccError) as caught:
        fail()
    assert caught.value.message == "it failed"
    assert caught.value.hint == f"do this; kept: {folder / 'test.log'}, {folder / 'waves.vcd'}"
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"test.log": "all\n", "waves.vcd": "waves"}
    assert not used[0].exists()


def test_where_nothing_is_to_be_kept_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "cosim-icarus"
    error = OsccError("a.b", "it failed")
    with pytest.raises(OsccError) as caught, failures_kept(folder):
        raise error
    assert caught.value is error
    with failures_kept(folder) as scratch:
        (scratch / "waves.vcd").write_text("waves")
    assert not folder.exists()
    assert not scratch.exists()

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from oscc.base.tensor_file import read_tensors
from oscc.core.spec import CoreSpec

torch.set_num_threads(1)


Run = Callable[..., tuple[int, str, str]]


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def same_model(one: Path, other: Path) -> bool:
    first, second = (read_tensors(folder / "model.safetensors").tensors for folder in (one, other))
    return first.keys() == second.keys() and all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_a_training_goes_on_from_its_state(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    oscc("train", configured("points"), "-o", tmp_path / "whole")
    oscc("train", configured("points", schedule={"iterations": 4}), "-o", tmp_path / "parts")
    assert not same_model(tmp_path / "whole", tmp_path / "parts")
    status, text, _ = oscc("train", configured("points"), "-o", tmp_path / "parts")
    assert status == 0
    assert "  resumed     after iteration 4\n" in text
    # With constant rates and limits nothing depends on how long the training was to be.
    assert same_model(tmp_path / "whole", tmp_path / "parts")
    status, text, err = oscc("train", configured("points"), "-o", tmp_path / "parts", "--json")
    assert (status, json.loads(text)["resumed_at"], err) == (0, 6, "")
    assert same_model(tmp_path / "whole", tmp_path / "parts")


def test_fresh_begins_anew(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    oscc("train", configured("points"), "-o", out)
    other = configured("points", seed=1)
    status, text, err = oscc("train", other, "-o", out)
    assert (status, text) == (1, "")
    assert err == (
        f"oscc: {out / 'state.safetensors'}: the state of a training with another configuration: seed is 1, was 0\n"
        "use another output folder, or --fresh to begin anew\n"
    )
    status, text, _ = oscc("train", other, "-o", out, "--fresh", "--json")
    assert (status, json.loads(text)["resumed_at"]) == (0, 0)
    oscc("train", other, "-o", tmp_path / "again")
    assert same_model(out, tmp_path / "again")


def test_another_core_under_the_same_name_is_refused(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, make_core: Callable[..., CoreSpec]
) -> None:
    core, out = tmp_path / "core.yaml", tmp_path / "out"
    described = make_core().model_dump(mode="json", by_alias=True)
    core.write_text(yaml.safe_dump(described))
    config = configured(
        "images",
        data={"name": "digits", "pool": 2},
        model={"grid": None, "stencil": None, "step": None},
        hardware={"core": str(core), "readout": True, "mismatch": 0.03},
        schedule={"iterations": 2},
    )
    assert oscc("train", config, "-o", out)[0] == 0
    core.write_text(yaml.safe_dump(described | {"clock_hz": 50e6}))
    state = (out / "state.safetensors").read_bytes()
    status, text, err = oscc("train", config, "-o", out)
    assert (status, text) == (1, "")
    assert err == (
        f"oscc: {out / 'state.safetensors'}: the state of a training with another configuration: "
        "hardware.core.clock_hz is 50000000.0, was 100000000.0\n"
        "use another output folder, or --fresh to begin anew\n"
    )
    assert (out / "state.safetensors").read_bytes() == state
    # The same core, written in another way and under another name.
    other = tmp_path / "renamed.yaml"
    other.write_text("# moved\n" + yaml.safe_dump(described, sort_keys=False))
    moved = configured(yaml.safe_load(config.read_text()), hardware={"core": str(other)})
    assert oscc("train", moved, "-o", out)[0] == 0


def test_how_the_learning_rate_goes_on_is_said(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    schedule = {"iterations": 4, "final_rate": 0.1}
    assert oscc("train", configured("points", schedule=schedule), "-o", out)[0] == 0
    more = configured("points", schedule=schedule | {"iterations": 20})
    status, text, err = oscc("train", more, "-o", out, "--json")
    remark = "20 iterations instead of 4: at iteration 5 the learning rate goes from 0.1 to 1 of full"
    assert (status, json.loads(text)["remarks"]) == (0, [remark])
    assert err.splitlines()[0] == f"points: {remark}"


def test_a_process_that_is_killed_loses_nothing(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    path = configured("points", schedule={"iterations": 300, "save_every": 5}, hardware={"transient_noise": 0.1})
    killed, state = tmp_path / "killed", tmp_path / "killed" / "state.safetensors"
    code = "from oscc.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "train", str(path), "-o", str(killed)], stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not state.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.001)
        time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        status = process.wait()
    assert status == -signal.SIGKILL
    assert not (killed / "model.safetensors").exists()
    # Half a file may lie beside the state, which is whole.
    assert {name for name in names(killed) if not name.startswith(".state")} == {"state.safetensors"}
    status, text, _ = oscc("train", path, "-o", killed, "--json")
    assert status == 0
    assert 5 <= json.loads(text)["resumed_at"] < 300
    oscc("train", path, "-o", tmp_path / "whole")
    assert same_model(killed, tmp_path / "whole")


def test_a_full_disk_is_one_line_and_leaves_the_state_before(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write, count = tmp_path / "out", Path.write_bytes, [0]

    def fill(self: Path, content: Any) -> int:
        count[0] += 1
        if count[0] == 3:
            write(self, content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    path = configured("points")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        status, text, err = oscc("train", path, "-o", out)
    assert (status, text) == (1, "")
    assert err == f"oscc: {out / 'state.safetensors'}: cannot be written: No space left on device\n"
    assert names(out) == {"state.safetensors"}
    status, text, _ = oscc("train", path, "-o", out, "--json")
    assert (status, json.loads(text)["resumed_at"]) == (0, 4)


def test_a_sheet_that_cannot_be_written_is_one_line(
    oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(path: Path, content: bytes) -> int:
        if content.startswith(b"\x89PNG"):
            write(path, content[:9])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill)
    out = tmp_path / "out"
    status, _, err = oscc("train", configured("images"), "--data", data, "-o", out)
    assert (status, err) == (1, f"oscc: {out / 'samples' / '000002.png'}: cannot be written: No space left on device\n")
    assert names(out) == {"state.safetensors"}


def test_a_state_that_is_damaged(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    state = tmp_path / "out" / "state.safetensors"
    oscc("train", configured("points"), "-o", tmp_path / "out")
    state.write_bytes(state.read_bytes()[:-8])
    status, _, err = oscc("train", configured("points"), "-o", tmp_path / "out")
    assert status == 1
    assert err.startswith(f"oscc: {state}: cut short: header and tensors need ")

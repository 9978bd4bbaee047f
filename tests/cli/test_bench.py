from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


def test_a_bench_follows_its_schedule(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    status, out, err = oscc("bench", folder)
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        f"oscc: {folder / 'rtl/tb'}: no stand-alone bench with a program",
        f"emit it first: oscc emit {folder}",
    ]
    assert oscc("emit", folder, "-n", 1)[0] == 0
    schedule = folder / "rtl/tb/schedule.hex"
    lines = schedule.read_text().splitlines()
    (run, *_) = [number for number, line in enumerate(lines) if line.startswith("5")]
    lines[run] = f"{int(lines[run][:8], 16) + 3:08x} // longer"
    schedule.write_text("\n".join(lines) + "\n")
    status, content = oscc_json("bench", folder)
    assert status == 0
    assert content["written"] == ["rtl/tb/settings.hex", "rtl/tb/codes.hex"]
    assert (content["core"], content["samples"], content["seed"], len(content["schedule"])) == (
        "tiny-8x8",
        1,
        0,
        len(lines),
    )
    # What does not fit any more is told, and the answer stands.
    assert [finding["code"] for finding in content["findings"]] in ([], ["T008"])
    status, out, err = oscc("bench", folder)
    assert (status, err) == (0, "")
    assert "  written   nothing: all is as it was" in out.splitlines()
    lines[run] = "50000000"
    schedule.write_text("\n".join(lines) + "\n")
    status, out, err = oscc("bench", folder)
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {schedule}:{run + 1}: run: 0 is not within 1..")


def test_a_folder_without_a_program_is_refused(oscc: Run, tmp_path: Path) -> None:
    status, _, err = oscc("bench", tmp_path)
    assert status == 1
    assert "oscc compile" in err

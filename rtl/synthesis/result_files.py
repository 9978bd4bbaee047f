"""Results of synthesis as they lie in a folder: read back, and in a few lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oscc.base.errors import OsccError

SCHEMA = "oscc.synthesis/1"
"""Content of key ``schema`` of a result."""


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Read the results in a folder by target, in the order of their names; none where there is no such folder.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OsccError
        ``synthesis.result`` when one is damaged, or of another version.
    """
    results: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = None
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise OsccError(
                "synthesis.result",
                "no result of oscc synth, or one of another version",
                where=str(path),
                hint=f"make it anew: oscc synth --target {path.stem}",
            )
        results[path.stem] = content
    return results


def result_rows(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a result in a few lines of name and value, for the terminal.

    Parameters
    ----------
    content : dict
        As `oscc.rtl.synthesis.report.SynthesisResult.as_dict` makes it.
    """
    core, timing, area = content["core"], content["timing"], content["area"]
    rows = [("device", content["device"]), ("core", f"{core['name']}, {_size(core)}")]
    for resource in content["resources"]:
        used, available, harness = (resource[key] for key in ("used", "available", "harness"))
        share = f" ({100 * used / available:.1f} %)" if available else ""
        note = f", harness {harness} more" if harness else ""
        rows.append((resource["name"], f"{used} of {available}{share}{note}"))
    if timing is not None:
        path = timing["critical_path"]
        verdict = "reached" if timing["met"] else "missed"
        rows.append(("clock", f"{timing['achieved_mhz']:g} MHz (target {timing['target_mhz']:g} MHz: {verdict})"))
        rows.append(("critical path", f"{path['delay_ns']:g} ns, {path['start']} to {path['end']}"))
    if area is not None:
        flip_flops = f"{area['sequential']:g} of it flip-flops"
        rows.append(("cell area", f"{area['total']:g} NAND2 equivalents, {flip_flops}, memories not included"))
    rams = [memory for memory in content["memories"] if memory["kind"] == "ram"]
    rows.append(("memories", f"{sum(ram['count'] for ram in rams)}, {sum(ram['bits'] for ram in rams)} bits"))
    return rows


def _size(core: dict[str, Any]) -> str:
    """Return the size of a core in a few words."""
    rows, cols = core["grid"]
    return f"{rows} x {cols} cells, {core['chunks']} chunks"

"""The summary of a compiled or checked model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oscc.cli.common import print_table


def print_summary(summary: Mapping[str, Any], more: Mapping[str, str]) -> None:
    """Print the summary of a result as a short table.

    Parameters
    ----------
    summary : mapping
        As `CompileResult.summary` gives it.
    more : mapping of str to str
        Further lines.
    """
    rows = [
        ("model", f"{summary['nodes']} nodes, {summary['couplings']} couplings, {summary['chunks']} chunks"),
        ("couplings into a node", f"at most {summary['max_degree']}"),
    ]
    if "placement" in summary:
        rows.append(("placement", summary["placement"]))
    if "tau_s" in summary:
        rows += [
            ("time scale", f"{_times(summary)}, decided by {summary['tau_active_bound']}"),
            ("cycles per sample", str(summary["cycles_per_sample"])),
        ]
    if "quantization" in summary:
        numbers = summary["quantization"]
        rows += [
            ("coupling error", f"{numbers['rms_lsb']:.3f} LSB rms, {numbers['max_lsb']:.3f} LSB at most"),
            (
                "coupling codes",
                f"{numbers['clipped']} clipped, {numbers['zeroed']} zeroed, {numbers['sign_changed']} of another sign",
            ),
        ]
    rows += list(more.items())
    count = len(summary["findings"])
    verdict = "fits" if summary["feasible"] else f"does not fit: {count} finding{'s' if count > 1 else ''}"
    print_table(f"{summary['model']} on {summary['core']}: {verdict}", rows)


def _times(summary: Mapping[str, Any]) -> str:
    """Runs and tau, once where all chunks are alike."""
    runs, taus = summary["run_cycles"], summary["tau_s_per_chunk"]
    if len(set(runs)) == 1 and len(set(taus)) == 1:
        return f"{len(runs)} x {runs[0]} cycles, tau {taus[0]:.6g} s"
    return f"{' + '.join(map(str, runs))} cycles, tau {', '.join(f'{tau:.6g}' for tau in taus)} s"

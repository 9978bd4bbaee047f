"""How much may change from one compilation to the next: the thresholds of `oscc diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from oscc.base.config import Fraction, NotNegative, Section
from oscc.base.path_kind import refuse_wrong_kind
from oscc.base.strict_yaml import read_yaml
from oscc.base.text_file import read_text_file
from oscc.report.compilation_diff import CompilationDiff

SHARES = ("codes_changed_share", "cells_moved_share")


class Thresholds(Section):
    """The most that may change; what is left out is not looked at.

    Attributes
    ----------
    must_fit : bool
        Whether the second compilation must fit.
    codes_changed_share, cells_moved_share : float or None
        Of all codes in use, and of all nodes.
    findings, warnings, nodes, couplings, coupling_units, peak_demand, longest_wire, wire_length, rms_lsb, max_lsb, clipped, tau_s, cycles_per_sample : float or None
        The most by which the figure may grow.
    """  # noqa: E501

    schema_: Literal["oscc.thresholds/1"] = Field(alias="schema")
    must_fit: bool = Field(default=True, strict=True)
    codes_changed_share: Fraction | None = None
    cells_moved_share: Fraction | None = None
    findings: NotNegative | None = None
    warnings: NotNegative | None = None
    nodes: NotNegative | None = None
    couplings: NotNegative | None = None
    coupling_units: NotNegative | None = None
    peak_demand: NotNegative | None = None
    longest_wire: NotNegative | None = None
    wire_length: NotNegative | None = None
    rms_lsb: NotNegative | None = None
    max_lsb: NotNegative | None = None
    clipped: NotNegative | None = None
    tau_s: NotNegative | None = None
    cycles_per_sample: NotNegative | None = None

    def exceeded(self, diff: CompilationDiff) -> list[str]:
        """Return a line for every threshold that a difference exceeds, or that cannot be looked at.

        Parameters
        ----------
        diff : CompilationDiff
        """
        lines = []
        if self.must_fit and not diff.after.fits:
            lines.append("must_fit: the second does not fit")
        changes = {name: getattr(diff, name) for name in SHARES}
        changes |= {measure.name: measure.change for measure in diff.measures}
        for name, change in changes.items():
            limit = getattr(self, name)
            if limit is None:
                continue
            if change is None:
                lines.append(f"{name}: cannot be compared, one of the two has none")
            elif change > limit:
                verb = "is" if name in SHARES else "grew by"
                lines.append(f"{name}: {verb} {change:.6g}, at most {limit:.6g} is allowed")
        return lines


def read_thresholds(path: Path) -> Thresholds:
    """Read the thresholds in a YAML file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``thresholds.not-found``, ``path.kind`` for a file or folder of another kind, ``thresholds.yaml``,
        ``thresholds.unknown-key`` or ``thresholds.invalid``.
    """
    refuse_wrong_kind(path, "thresholds")
    content = read_text_file(path, "thresholds.not-found")
    return read_yaml(content, Thresholds, where=str(path), what="thresholds", code="thresholds")

"""The report as one HTML page: it needs no network, and opens from disk."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from oscc.compiler.feasibility.change_costs import cost_words
from oscc.report.charts import code_charts, distribution_charts, solve_chart
from oscc.report.maps import GridMap, grid_maps
from oscc.report.report_data import ReportData
from oscc.report.samples import SEED, Samples
from oscc.report.scales import DARK, LIGHT
from oscc.report.svg_charts import value_text
from oscc.report.warnings_panel import warnings_panel


def report_page(data: ReportData, samples: Samples | None = None) -> str:
    """Write the page of a report; the same text for the same data.

    Parameters
    ----------
    data : ReportData
    samples : Samples, optional
        Without them, the page has no section about them.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters |= {"number": number_text, "witness": witness_text, "cost": cost_words, "value": value_text}
    maps = grid_maps(data)
    charts = distribution_charts(data)
    style = environment.from_string(_asset("report.css")).render(
        light_classes=_colour_variables(LIGHT), dark_classes=_colour_variables(DARK)
    )
    return environment.from_string(_asset("report.html")).render(
        data=data,
        sections=_sections(data, maps, samples),
        samples=samples,
        sample_seed=SEED,
        sheet=_sheet(samples),
        sentence=_sentence(data),
        warnings_panel=warnings_panel(data.warnings),
        tiles=_tiles(data),
        maps=maps,
        charts=charts,
        code_charts=code_charts(data),
        solve_chart=solve_chart(data),
        facts=_facts(data),
        details=_details(data),
        style=Markup(style),
        script=Markup(_asset("report.js")),
    )


def number_text(value: float) -> str:
    """Return a count with commas between thousands."""
    return f"{value:,}"


def witness_text(witness: Mapping[str, Any]) -> str:
    """Return a witness in one line; lists longer than eight are cut short, with their length."""
    return ", ".join(f"{name.replace('_', ' ')} {_value_text(value)}" for name, value in witness.items())


def _value_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        return f"({witness_text(value)})"
    if not isinstance(value, list | tuple):
        return str(value)
    if len(value) > 8:
        return f"[{', '.join(map(_value_text, value[:8]))}, ... {len(value)} in all]"
    # A cell reads as everywhere else: (row, column).
    ends = "()" if len(value) == 2 and all(isinstance(part, int) for part in value) else "[]"
    return ends[0] + ", ".join(map(_value_text, value)) + ends[1]


def _sheet(samples: Samples | None) -> str:
    """Return the sheet of samples as the address of an image that the page itself holds; empty without images."""
    if samples is None or not samples.sheet:
        return ""
    return f"data:image/png;base64,{b64encode(samples.sheet).decode('ascii')}"


def _asset(name: str) -> str:
    return (files("oscc.report") / name).read_text(encoding="utf-8")


def _colour_variables(colours: tuple[str, ...]) -> str:
    return " ".join(f"--k{step}: {colour};" for step, colour in enumerate(colours))


def _sections(data: ReportData, maps: list[GridMap], samples: Samples | None) -> list[tuple[str, str]]:
    findings = [("findings", f"Findings ({data.findings.total:,})")]
    if data.what_if is not None:
        findings.append(("what-if", "What if"))
    middle = [("maps", "Maps")] if maps else []
    if data.routing is not None:
        middle.append(("distributions", "Distributions"))
    if data.quantization is not None:
        middle.append(("codes", "Codes"))
    if data.solve is not None:
        middle.append(("solutions", "Solutions"))
    shown = [("samples", "Samples")] if samples is not None else []
    order = (*shown, *middle, *findings) if data.fits else (*findings, *middle, *shown)
    return [("summary", "Summary"), *order, ("settings", "Settings")]


def _sentence(data: ReportData) -> str:
    """Return the verdict in a sentence or two."""
    size = f"{data.nodes:,} nodes and {data.couplings:,} couplings in {data.chunks} chunks"
    if data.fits:
        rate = "" if data.samples_per_second is None else f", {data.samples_per_second:,.0f} samples per second"
        time = "" if data.cycles_per_sample is None else f" {data.cycles_per_sample:,} cycles per sample{rate}."
        return f"{size} are placed and routed; every check passed.{time}"
    codes = ", ".join(f"{each.count:,} of {each.code}" for each in data.findings.by_code)
    proven = [each.code for each in data.findings.by_code if each.proof]
    proof = (
        f" {', '.join(proven)} prove that it cannot as it stands."
        if proven
        else " None of them is a proof: no placement was found within the search."
    )
    return f"{size}. Findings: {codes}.{proof}"


def _tiles(data: ReportData) -> list[tuple[str, str, str]]:
    """Name, value and note of the figures that come first."""
    tiles = [
        ("nodes", f"{data.nodes:,}", f"family {data.family}"),
        ("couplings", f"{data.couplings:,}", f"{data.weight_bits:,} bits of codes in the core"),
    ]
    if data.routing is not None:
        routing = data.routing
        tiles.append(("placement", routing.transform, f"{routing.wires.count:,} wires, {routing.wires.rounds} rounds"))
        peak, capacity = routing.boundaries.peak, routing.boundaries.capacity
        over = routing.boundaries.over
        note = f"{over:,} boundaries over" if over else "no boundary over"
        tiles.append(("busiest boundary", f"{peak} of {capacity}", f"tracks; {note}"))
        longest = routing.wires.longest
        tiles.append(("longest wire", f"{longest}", f"boundaries; {routing.wires.total:,} for all wires"))
    if data.quantization is not None:
        group = data.quantization.groups["coupling"]
        tiles.append(
            ("coupling error", f"{group.rms_lsb:.3f} LSB", f"rms; {group.clipped:,} clipped, {group.zeroed:,} zeroed")
        )
    if data.code_use is not None:
        use = data.code_use["coupling"]
        codes = f"{use.codes_used} of {use.codes_available} codes"
        tiles.append(("couplings in use", f"{100 * use.share:.1f} %", f"have a code other than 0; {codes}"))
    if data.cycles_per_sample is not None:
        rate = "" if data.samples_per_second is None else f"{data.samples_per_second:,.0f} samples per second"
        tiles.append(("cycles per sample", f"{data.cycles_per_sample:,}", rate))
    if data.solve is not None:
        best = f"best of {data.solve.samples:,} samples, simulated"
        tiles.append((data.solve.quantity, value_text(data.solve.values.best), best))
    return tiles


def _facts(data: ReportData) -> list[tuple[str, str]]:
    inputs = data.inputs
    facts = [
        ("model", f"{inputs.model_file}, SHA-256 {inputs.model_sha256}"),
        ("core", f"{data.core}, SHA-256 {inputs.core_sha256}"),
        ("core's hardware", f"hash {inputs.spec_hash}"),
    ]
    if inputs.problem is not None:
        facts.append(("problem", witness_text(inputs.problem)))
    if inputs.changes is not None:
        facts += [(f"changed: {name}", _value_text(value)) for name, value in inputs.changes.items()]
    facts += [(name.replace("_", " "), _option_text(value)) for name, value in inputs.options.items()]
    if data.program is not None:
        facts.append(("program", f"{data.program.bytes:,} bytes, SHA-256 {data.program.sha256}"))
    return [*facts, ("made by", inputs.tool)]


def _option_text(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return _value_text(value)


def _details(data: ReportData) -> Markup:
    """Return what the script needs to describe the place that is pointed at, as JSON that is safe within a page."""
    content: dict[str, Any] = {}
    if data.routing is not None:
        routing = data.routing
        rows, cols = routing.cells.grid
        content = {
            "rows": rows,
            "cols": cols,
            "node": _flat(routing.cells.node),
            "degree": _flat(routing.cells.degree),
            "units": _flat(routing.cells.units),
            "limit": routing.degree.limit,
            "columns": _flat(routing.boundaries.across_columns.demand),
            "across": _flat(routing.boundaries.across_rows.demand),
            "capacity": routing.boundaries.capacity,
            "dead": [row * cols + col for row, col in routing.defects.cells],
            "slots": [[row * cols + col, slot] for row, col, slot in routing.defects.slots],
            "gain": [[row * cols + col, gain] for row, col, gain in routing.defects.gain],
            "findings": [] if routing.cells.findings is None else _flat(routing.cells.findings),
        }
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def _flat(rows: tuple[tuple[int, ...], ...]) -> list[int]:
    return [value for row in rows for value in row]

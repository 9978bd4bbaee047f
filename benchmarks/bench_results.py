"""How quality moves with chunks, hidden nodes, bits, noise, families and stencils: docs/results.md.

Trains and evaluates every row of experiments.yaml with several seeds, by the command itself. Takes hours of one
processor for all of it; what was measured before, of the same configuration, is not measured again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from oscc.base.config import Section
from oscc.base.strict_yaml import read_yaml
from oscc.core.spec_file import load_core
from oscc.models.data.datasets import IMAGE_FILES
from oscc.models.quality.features import SHIPPED
from oscc.models.quality.spread import Spread
from oscc.models.training.training_config import TrainingConfig, parse_training
from oscc.rtl.synthesis.report import markdown_table

ROOT = Path(__file__).resolve().parents[1]
EXPERIMENTS = ROOT / "benchmarks" / "results" / "experiments.yaml"
MEASURED = ROOT / "benchmarks" / "results" / "measured"
"""A file per configuration and seed, committed."""

EXTRACTORS = ROOT / "models" / "quality" / "extractors"

EVALUATION_STEP = "0.25"
"""Longest RK4 step of the evaluation [model time]."""


DOCS_WIDTH = 100
"""Columns of prose in the documentation."""


class Row(Section):
    """A line of a table: what it is called, and the keys that differ from the base."""

    label: str
    change: dict[str, Any]


class Table(Section):
    """A table: title, what it shows, base (a key of the file), and the noise that its models are evaluated with."""

    title: str
    note: str
    of: Literal["images", "points"]
    noise: tuple[Literal["none", "moderate", "strong"], ...] = ("moderate",)
    rows: tuple[Row, ...]


class Experiments(Section):
    """The whole file."""

    schema_: Literal["oscc.experiments/1"] = Field(alias="schema")
    preface: str
    conclusion: str
    seeds: int
    samples: int
    images: dict[str, Any]
    points: dict[str, Any]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Inputs:
    """Where data are, and where models are trained."""

    data: Path
    work: Path


@dataclass(frozen=True)
class Measurement:
    """A model to train, and how to evaluate it.

    Parameters
    ----------
    config : TrainingConfig
    text : str
        The configuration as YAML.
    noise : str
    samples : int
    """

    config: TrainingConfig
    text: str
    noise: str
    samples: int

    @property
    def trained_from(self) -> str:
        """Hash of all that the model follows from but the data: its configuration and its core."""
        core = self.config.hardware.core
        parts = [self.text, load_core(core).hash if core else ""]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def extractor(self) -> Path | None:
        """Weights of the data set's extractor in the package; points need none."""
        return None if self.config.data.has_points else EXTRACTORS / SHIPPED[self.config.data.name]

    def evaluation(self, model: Path, inputs: Inputs) -> list[str]:
        """Arguments of the command that measures the model."""
        name, hardware = self.config.data.name, self.config.hardware
        arguments = ["evaluate", str(model), "--dataset", name, "-n", str(self.samples)]
        arguments += ["--noise", self.noise, "--step", EVALUATION_STEP]
        if not self.config.data.has_points:
            arguments += ["--data", str(inputs.data)]
        if self.config.quantizes:
            arguments += ["--core", str(hardware.core)]
            arguments += ["--bits", str(hardware.bits)] if hardware.bits else []
        return arguments

    def key(self, inputs: Inputs) -> str:
        """Hash of all that the result follows from."""
        extractor = self.extractor()
        files = [] if extractor is None else [extractor, inputs.data / IMAGE_FILES[self.config.data.name]]
        nowhere = self.evaluation(Path(), Inputs(Path(), Path()))
        if extractor is not None:
            # What was measured before there were extractors in the package named them here.
            after_data = nowhere.index("--data") + 2
            nowhere[after_data:after_data] = ["--extractor", extractor.name]
        parts = [self.trained_from, *nowhere, *map(digest, files)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """A nested mapping with some keys replaced; None takes a key away."""
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def measurements(experiments: Experiments, table: Table, row: Row) -> dict[str, list[Measurement]]:
    """Of a row, a measurement for each level of noise and seed."""
    base: dict[str, Any] = getattr(experiments, table.of)
    made = []
    for seed in range(experiments.seeds):
        text = yaml.safe_dump(merged(base, row.change) | {"seed": seed}, sort_keys=True)
        made.append((parse_training(text, where=f"{table.title}: {row.label}"), text))
    return {noise: [Measurement(*each, noise, experiments.samples) for each in made] for noise in table.noise}


def measured(measurement: Measurement, inputs: Inputs) -> dict[str, Any]:
    """The result of a measurement: from an earlier run, or trained and evaluated now."""
    key = measurement.key(inputs)
    path = MEASURED / f"{key[:16]}.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known["key"] == key:
            return known
    folder = inputs.work / measurement.trained_from[:16]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(measurement.text, encoding="utf-8")
    trained = _oscc(["train", str(folder / "config.yaml"), "-o", str(folder), "--data", str(inputs.data)])
    quality = _oscc(measurement.evaluation(folder / "model.safetensors", inputs))
    result = {
        "key": key,
        "config": yaml.safe_load(measurement.text),
        "noise": measurement.noise,
        "train_s": trained["wall_s"],
        "quality": {name: value for name, value in quality.items() if name not in ("model", "core")},
    }
    MEASURED.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
    return result


def _oscc(arguments: list[str]) -> dict[str, Any]:
    command = [str(Path(sys.executable).with_name("oscc")), *arguments, "--json"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"oscc {' '.join(arguments)}: {finished.stdout}{finished.stderr}")
    content: dict[str, Any] = json.loads(finished.stdout)
    return content


def figure(result: dict[str, Any]) -> float:
    """The one number of a result: FD-LeNet, or the sliced Wasserstein distance."""
    quality = result["quality"]
    value: float = quality["fd_lenet" if "fd_lenet" in quality else "sliced_wasserstein"]["mean"]
    return value


def table_of(experiments: Experiments, table: Table, inputs: Inputs) -> str:
    """A table in Markdown; its models are trained where they have not been."""
    images = table.of == "images"
    rows = []
    for row in table.rows:
        results: dict[str, list[dict[str, Any]]] = {}
        for noise, every in measurements(experiments, table, row).items():
            results[noise] = [measured(each, inputs) for each in every]
            found = ", ".join(f"{figure(result):.4g}" for result in results[noise])
            print(f"{table.title}, {row.label}, {noise}: {found}", flush=True)
        rows.append((row.label, *_cells(list(results.values()), images)))
    name = "FD-LeNet" if images else "sliced Wasserstein-2"
    header = [table.title.lower(), *(f"{name}, noise {noise}" for noise in table.noise)]
    header += [f"coverage, noise {table.noise[-1]}" if images else "fresh points", "training [s]"]
    note = textwrap.fill(table.note, DOCS_WIDTH, break_long_words=False, break_on_hyphens=False)
    return f"## {table.title}\n\n{note}\n\n{markdown_table(header, rows)}\n"


def _cells(results: list[list[dict[str, Any]]], images: bool) -> list[str]:
    cells = []
    for found in results:
        values = Spread.of([figure(result) for result in found])
        digits = 1 if images else 4
        cells.append(f"{values.mean:.{digits}f} +- {values.spread:.{digits}f}")
    last = results[-1]
    if images:
        cells.append(f"{statistics.mean(result['quality']['seeds'][0]['coverage'] for result in last):.3f}")
    else:
        cells.append(f"{statistics.mean(result['quality']['floor']['mean'] for result in last):.4f}")
    return [*cells, f"{statistics.mean(result['train_s'] for result in last):.0f}"]


def main() -> None:
    os.chdir(ROOT)
    text = EXPERIMENTS.read_text(encoding="utf-8")
    experiments = read_yaml(text, Experiments, where="experiments.yaml", what="experiments", code="experiments")
    titles = [table.title for table in experiments.tables]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="folder with mnist.npz")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "results", help="where models are trained")
    parser.add_argument("--table", action="append", choices=titles, help="only this one; may be given again")
    parser.add_argument("--markdown", type=Path, help="file for the tables")
    given = parser.parse_args()
    os.nice(5)
    inputs = Inputs(given.data.resolve(), given.work.resolve())
    chosen = [table for table in experiments.tables if given.table is None or table.title in given.table]
    # A mistake in the last row is to be found before the first model is trained.
    for table in chosen:
        for row in table.rows:
            measurements(experiments, table, row)
    parts = [table_of(experiments, table, inputs) for table in chosen]
    if given.markdown is not None:
        given.markdown.write_text(
            "\n".join([experiments.preface, *parts, "", experiments.conclusion]), encoding="utf-8"
        )


if __name__ == "__main__":
    main()

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
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from oscc.compiler.spec_sections import Section
from oscc.compiler.strict_yaml import read_yaml
from oscc.models.training_config import TrainingConfig, parse_training
from oscc.rtl.synthesis.report import markdown_table

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "results"
MEASURED = FOLDER / "measured"
"""A file per configuration and seed, committed."""

NOISE = ("none", "moderate", "strong")


class Row(Section):
    """A line of a table: what it is called, and the keys that differ from the base."""

    label: str
    change: dict[str, Any]


class Table(Section):
    """A table: its title, its base (a key of the file), and the noise that its models are evaluated with."""

    title: str
    of: Literal["images", "points"]
    noise: tuple[Literal["none", "moderate", "strong"], ...] = ("moderate",)
    rows: tuple[Row, ...]


class Experiments(Section):
    """The whole file."""

    schema_: Literal["oscc.experiments/1"] = Field(alias="schema")
    seeds: int
    samples: int
    images: dict[str, Any]
    points: dict[str, Any]
    tables: tuple[Table, ...]


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
    def key(self) -> str:
        """Hash of all that the result follows from."""
        core = self.config.hardware.core
        parts = [self.text, self.noise, str(self.samples)]
        parts += [(ROOT / core).read_text(encoding="utf-8")] if core else []
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def training(self) -> str:
        """Hash of the configuration: the folder of the training."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


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


def measurements(experiments: Experiments, table: Table, row: Row) -> Iterator[tuple[str, Measurement]]:
    """Noise level and measurement, for each level and seed of a row."""
    base: dict[str, Any] = getattr(experiments, table.of)
    for noise in table.noise:
        for seed in range(experiments.seeds):
            content = merged(base, row.change) | {"seed": seed}
            text = yaml.safe_dump(content, sort_keys=True)
            config = parse_training(text, where=f"{table.title}: {row.label}")
            yield noise, Measurement(config, text, noise, experiments.samples)


def measured(measurement: Measurement, data: Path, metrics: Path, work: Path) -> dict[str, Any]:
    """The result of a measurement: from an earlier run, or trained and evaluated now."""
    path = MEASURED / f"{measurement.key[:16]}.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known["key"] == measurement.key:
            return known
    config = measurement.config
    folder = work / measurement.training
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(measurement.text, encoding="utf-8")
    train = ["train", str(folder / "config.yaml"), "-o", str(folder), "--data", str(data)]
    trained = _oscc(train)
    evaluate = ["evaluate", str(folder / "model.safetensors"), "--dataset", config.data.name, "--data", str(data)]
    evaluate += ["-n", str(measurement.samples), "--noise", measurement.noise, "--step", "0.25"]
    if not config.data.has_points:
        evaluate += ["--extractor", str(metrics / f"lenet-{config.data.name.removesuffix('-mnist')}.safetensors")]
    if config.quantizes:
        evaluate += ["--core", str(config.hardware.core)]
        evaluate += ["--bits", str(config.hardware.bits)] if config.hardware.bits else []
    result = {
        "key": measurement.key,
        "config": yaml.safe_load(measurement.text),
        "noise": measurement.noise,
        "train_s": trained["wall_s"],
        "quality": {name: value for name, value in _oscc(evaluate).items() if name not in ("model", "core")},
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


def spread(values: list[float], digits: int) -> str:
    """Mean and standard deviation over seeds."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.{digits}f} +- {deviation:.{digits}f}"


def table_of(experiments: Experiments, table: Table, data: Path, metrics: Path, work: Path) -> str:
    """A table in Markdown; its models are trained where they have not been."""
    images = table.of == "images"
    rows = []
    for row in table.rows:
        results: dict[str, list[dict[str, Any]]] = {noise: [] for noise in table.noise}
        for noise, measurement in measurements(experiments, table, row):
            results[noise].append(measured(measurement, data, metrics, work))
            print(f"{table.title}, {row.label}, {noise}: {figure(results[noise][-1]):.4g}", flush=True)
        cells = [spread([figure(result) for result in found], 1 if images else 4) for found in results.values()]
        last = results[table.noise[-1]]
        if images:
            coverage = statistics.mean(result["quality"]["seeds"][0]["coverage"] for result in last)
            cells.append(f"{coverage:.3f}")
        else:
            floor = statistics.mean(result["quality"]["floor"]["mean"] for result in last)
            cells.append(f"{floor:.4f}")
        rows.append((row.label, *cells, f"{statistics.mean(result['train_s'] for result in last):.0f}"))
    name = "FD-LeNet 14 x 14" if images else "sliced Wasserstein-2"
    header = [table.title.lower(), *(f"{name}, noise {noise}" for noise in table.noise)]
    header += ["coverage" if images else "fresh points", "training [s]"]
    return f"## {table.title}\n\n{markdown_table(header, rows)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="folder with mnist.npz")
    parser.add_argument("--metrics", type=Path, default=ROOT / "metrics", help="folder with the extractors")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "results", help="where models are trained")
    parser.add_argument("--table", action="append", help="only this one, by its title; may be given again")
    given = parser.parse_args()
    os.nice(5)
    text = (FOLDER / "experiments.yaml").read_text(encoding="utf-8")
    experiments = read_yaml(text, Experiments, where="experiments.yaml", what="experiments", code="experiments")
    parts = [
        table_of(experiments, table, given.data.resolve(), given.metrics.resolve(), given.work.resolve())
        for table in experiments.tables
        if given.table is None or table.title in given.table
    ]
    given.work.mkdir(parents=True, exist_ok=True)
    (given.work / "tables.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()

"""Options of the suite, and its table at the end of a run."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class PointResult:
    """What became of a point of the suite.

    Parameters
    ----------
    key : str
        Hash of all that the result depends on.
    engine, core : str
    chunks, bits : int
    result : {"pass", "FAIL"}
    cycles, stalled : int
        Clock cycles simulated, and those in which the core had to wait.
    seconds : float
        Build included.
    """

    key: str
    engine: str
    core: str
    chunks: int
    bits: int
    result: str
    cycles: int
    stalled: int
    seconds: float


class SuiteResults:
    """Results of the points of this run; in a folder they outlive it.

    Parameters
    ----------
    folder : Path or None
    fresh : bool
        Do not look at what is in the folder.
    """

    Result = PointResult

    def __init__(self, folder: Path | None, fresh: bool) -> None:
        self.folder = folder
        self._fresh = fresh
        self.points: list[PointResult] = []

    def passed_before(self, name: str, key: str) -> PointResult | None:
        """The result that a point had, if it passed and nothing has changed."""
        path = None if self.folder is None or self._fresh else self.folder / f"{name}.json"
        if path is None or not path.exists():
            return None
        result = PointResult(**json.loads(path.read_text()))
        return result if result.key == key and result.result == "pass" else None

    def add(self, name: str, result: PointResult) -> None:
        """Keep a result."""
        self.points.append(result)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{name}.json").write_text(json.dumps(dataclasses.asdict(result), indent=1) + "\n")

    def table(self) -> str:
        """All results as Markdown."""
        lines = ["| engine | core | chunks | coupling bits | result | cycles | stalled | seconds |"]
        lines.append("|---|---|---|---|---|---|---|---|")
        for p in self.points:
            numbers = f"{p.cycles:,} | {p.stalled:,} | {p.seconds:.0f}"
            lines.append(f"| {p.engine} | {p.core} | {p.chunks} | {p.bits} | {p.result} | {numbers} |")
        return "\n".join(lines) + "\n"


RESULTS = pytest.StashKey[SuiteResults]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("suite of engines and cores")
    group.addoption("--suite", choices=("some", "all"), default="some", help="which points of the suite to run")
    group.addoption("--suite-folder", type=Path, help="keep results here, and do not repeat what passed")
    group.addoption("--fresh", action="store_true", help="repeat what passed")


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("suite_folder", None)
    config.stash[RESULTS] = SuiteResults(folder, config.getoption("fresh", False))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    results = config.stash[RESULTS]
    if results.folder is None or not results.points:
        return
    terminalreporter.section("suite")
    terminalreporter.write(results.table())
    (results.folder / "suite.md").write_text(results.table())
    terminalreporter.write_line(f"written to {results.folder / 'suite.md'}")


@pytest.fixture(scope="session")
def suite_results(pytestconfig: pytest.Config) -> SuiteResults:
    """The results of this run and of those before it."""
    return pytestconfig.stash[RESULTS]


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Verilog is built, a folder per simulator and core."""
    return tmp_path_factory.mktemp("builds")

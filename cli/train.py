"""`oscc train`: a checkpoint from a configuration."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.code_lines import code_rows, print_warnings
from oscc.cli.common import JsonOption, print_json, print_table, refuse_ignored
from oscc.cli.option_record import with_options
from oscc.cli.progress import training_progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from oscc.models.training.training_config import TrainingConfig
    from oscc.models.training.training_result import TrainingResult


@dataclass(frozen=True)
class TrainVerbOptions:
    """The options of the verb."""

    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="Training configuration (YAML).", show_default=False)
    ] = None
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder; out/train/NAME by default.")
    ] = None
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None
    quick: Annotated[
        bool, typer.Option("--quick", help="The built-in configuration: small digits in about half a minute.")
    ] = False
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever the folder holds.")] = False
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Threads to compute with.")] = 1
    device: Annotated[str, typer.Option("--device", help="cpu, or cuda where PyTorch has one.")] = "cpu"
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("train")(train_verb)


@with_options(TrainVerbOptions)
def train_verb(context: typer.Context, given: TrainVerbOptions) -> None:
    """Train a model. A training that was stopped goes on from its last saved state."""
    from oscc.models.data.datasets import IMAGE_FILES
    from oscc.models.training.session import TrainingOptions, train
    from oscc.models.training.training_watch import TrainingWatch

    config = _configuration(given)
    if config.data.name not in IMAGE_FILES:
        refuse_ignored(context, {"data": "--data"}, f"'{config.data.name}' has no file of its own")
    folder = given.output if given.output is not None else Path("out") / "train" / config.name
    options = TrainingOptions(folder, given.data, given.fresh, given.threads, given.device)
    result = train(config, options, TrainingWatch(_say, training_progress, _draw))
    if given.as_json:
        print_json(result.to_dict())
    else:
        _print_result(result, folder)


def _configuration(given: TrainVerbOptions) -> TrainingConfig:
    from oscc.models.training.training_config import load_training, quick_training

    if given.quick == (given.config is not None):
        raise typer.BadParameter("give a configuration, or --quick without one", param_hint="CONFIG")
    return quick_training() if given.config is None else load_training(given.config)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _draw(images: NDArray[np.float32], path: Path) -> None:
    from oscc.report.pictures import sample_sheet

    sample_sheet(images, path)


def _print_result(result: TrainingResult, folder: Path) -> None:
    from oscc.models.training.session import SHEETS

    config, checked = result.config, result.checked
    rows = [("iterations", f"{result.iterations}, {result.seconds:.0f} s in all")]
    rows += [("resumed", f"after iteration {result.resumed_at}")] if result.resumed_at else []
    rows += [("model", str(result.model))]
    rows += [] if config.data.has_points else [("samples", str(folder / SHEETS))]
    rows += code_rows({} if checked is None else checked.summary())
    print_table(f"{config.name}: {config.model.family} on {config.data.name}", rows)
    print_warnings(() if checked is None else checked.warnings)

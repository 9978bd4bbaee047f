"""`oscc train`: a checkpoint from a configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.code_lines import code_rows, print_warnings
from oscc.cli.common import JsonOption, print_json, print_table, refuse_ignored
from oscc.cli.progress import training_progress

if TYPE_CHECKING:
    from oscc.compiler.compile import CompileResult
    from oscc.models.training.trainer import Trainer
    from oscc.models.training.training_config import TrainingConfig

STATE_FILE = "state.safetensors"
MODEL_FILE = "model.safetensors"
SHEETS = "samples"
LOG_FOLDER = "tensorboard"

SHEET_IMAGES = 64

CODES_EVERY = 50
"""Iterations between two looks at how many codes are in use."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("train")(train_verb)


def train_verb(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="Training configuration (YAML).", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder; out/train/NAME by default.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="The built-in configuration: small digits in about half a minute.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever the folder holds.")] = False,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Threads to compute with.")] = 1,
    device: Annotated[str, typer.Option("--device", help="cpu, or cuda where PyTorch has one.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Train a model. A training that was stopped goes on from its last saved state."""
    from oscc.models.data.datasets import IMAGE_FILES
    from oscc.models.training.trainer import Trainer
    from oscc.models.training.training_data import load_data

    described = _configuration(config, quick)
    if described.data.name not in IMAGE_FILES:
        refuse_ignored(context, {"data": "--data"}, f"'{described.data.name}' has no file of its own")
    folder = output if output is not None else Path("out") / "train" / described.name
    _make_folder(folder / SHEETS)
    trainer = Trainer(described, load_data(described, data), threads, device)
    state = folder / STATE_FILE
    remarks = trainer.resume(state) if state.exists() and not fresh else ()
    for remark in remarks:
        sys.stderr.write(f"{described.name}: {remark}\n")
    resumed = trainer.progress.iteration
    _run(trainer, folder)
    model = folder / MODEL_FILE
    _write_model(trainer, model)
    checked = _checked(trainer, model)
    summary = {} if checked is None else checked.summary()
    result: dict[str, Any] = {
        "model": str(model),
        "iterations": trainer.progress.iteration,
        "resumed_at": resumed,
        "remarks": list(remarks),
        "wall_s": round(trainer.progress.seconds, 1),
        "losses": trainer.progress.history[-1] if trainer.progress.history else {},
        **{name: summary[name] for name in ("code_use", "warnings") if name in summary},
    }
    if as_json:
        print_json(result)
        return
    rows = [("iterations", f"{trainer.progress.iteration}, {trainer.progress.seconds:.0f} s in all")]
    rows += [("resumed", f"after iteration {resumed}")] if resumed else []
    rows += [("model", str(model)), ("samples", str(folder / SHEETS))] if trainer.data else [("model", str(model))]
    rows += code_rows(summary)
    print_table(f"{described.name}: {described.model.family} on {described.data.name}", rows)
    print_warnings(() if checked is None else checked.warnings)


def _configuration(path: Path | None, quick: bool) -> TrainingConfig:
    from importlib import resources

    from oscc.models.training.training_config import load_training, parse_training

    if quick == (path is not None):
        raise typer.BadParameter("give a configuration, or --quick without one", param_hint="CONFIG")
    if path is not None:
        return load_training(path)
    text = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text(encoding="utf-8")
    return parse_training(text, where="--quick")


def _make_folder(folder: Path) -> None:
    from oscc.base.errors import OsccError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OsccError("output.unwritable", f"cannot be made: {error.strerror}", where=str(folder)) from None


def _run(trainer: Trainer, folder: Path) -> None:
    """Train, show how far it is, and draw sheets of samples."""
    from oscc.compiler.precision.code_limits import DEAD

    schedule = trainer.config.schedule
    log = _log(folder / LOG_FOLDER)
    if trainer.fits_features:
        sys.stderr.write(f"{trainer.config.name}: an encoder for loss.features is trained first, about a minute\n")
    codes = _codes(trainer)
    if codes and codes["codes in use"] < DEAD:
        sys.stderr.write(
            f"{trainer.config.name}: {100 * codes['codes in use']:.1f} % of the couplings have a code other than 0; "
            "training from larger model.weight_std would use more\n"
        )
    with training_progress(trainer.config.name, trainer.progress.iteration, schedule.iterations) as show:
        for report in trainer.run(folder / STATE_FILE):
            if report.iteration % CODES_EVERY == 0 or report.iteration == schedule.iterations:
                codes = _codes(trainer)
            figures = {**report.losses, **codes}
            show(report.iteration, figures)
            for name, loss in figures.items():
                if log is not None:
                    log.add_scalar(name, loss, report.iteration)
            if trainer.data is not None and (
                report.iteration % schedule.sheet_every == 0 or report.iteration == schedule.iterations
            ):
                _draw(trainer, folder / SHEETS / f"{report.iteration:06d}.png")
    if log is not None:
        log.close()


def _codes(trainer: Trainer) -> dict[str, float]:
    """The part of couplings with a code other than 0, under a name for the progress; empty without codes."""
    from oscc.models.training.code_share import code_share

    share = code_share(trainer.average)
    return {} if share is None else {"codes in use": share}


def _checked(trainer: Trainer, model: Path) -> CompileResult | None:
    """What the model is on the core that it was trained for; None without one."""
    from oscc.compiler.compile import check_model
    from oscc.compiler.frontends.checkpoint import read_checkpoint

    core = trainer.config.core
    return None if core is None else check_model(read_checkpoint(model), core)


def _draw(trainer: Trainer, path: Path) -> None:
    from oscc.report.pictures import sample_sheet

    sample_sheet(trainer.samples(SHEET_IMAGES).numpy(), path)


def _log(folder: Path) -> Any:
    """A TensorBoard log, or None where TensorBoard is not installed."""
    from importlib.util import find_spec

    if find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder))


def _write_model(trainer: Trainer, path: Path) -> None:
    from oscc.compiler.frontends.checkpoint import write_checkpoint
    from oscc.models.training.receipt import training_receipt

    write_checkpoint(path, trainer.average.to_graph(training_receipt(trainer)))

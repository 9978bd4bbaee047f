"""A training from its configuration to its model: it goes on from its state, tells figures, and draws samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import OsccError
from oscc.compiler.compile import check_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.precision.code_limits import DEAD
from oscc.models.training.code_share import code_share
from oscc.models.training.receipt import training_receipt
from oscc.models.training.trainer import Trainer
from oscc.models.training.training_config import TrainingConfig
from oscc.models.training.training_data import load_data
from oscc.models.training.training_log import tensorboard_log
from oscc.models.training.training_result import TrainingResult
from oscc.models.training.training_watch import SILENT, TrainingWatch

STATE_FILE = "state.safetensors"
MODEL_FILE = "model.safetensors"
SHEETS = "samples"
LOG_FOLDER = "tensorboard"

SHEET_IMAGES = 64

CODES_EVERY = 50
"""Iterations between two looks at how many codes are in use."""

IN_USE = "codes in use"
"""Name, among the figures, of the fraction of couplings that have a code other than 0."""


@dataclass(frozen=True)
class TrainingOptions:
    """Where a training works, and with what.

    Parameters
    ----------
    folder : Path or None
        Where state, sheets of samples, log and model are written; a state that is there is gone on from. Without one
        nothing is written.
    data : Path or None
        Folder with the data set's file; comes before the configuration's own.
    fresh : bool
        Whether to begin anew, whatever the folder holds.
    threads : int
    device : str
        ``cpu``, or another of PyTorch's.
    """

    folder: Path | None = None
    data: Path | None = None
    fresh: bool = False
    threads: int = 1
    device: str = "cpu"


IN_MEMORY = TrainingOptions()
"""Nothing is written."""


def train(
    config: TrainingConfig, options: TrainingOptions = IN_MEMORY, watch: TrainingWatch = SILENT
) -> TrainingResult:
    """Train a model. A training that was stopped goes on from its last saved state.

    Parameters
    ----------
    config : TrainingConfig
    options : TrainingOptions
    watch : TrainingWatch

    Raises
    ------
    OsccError
        ``output.unwritable`` when the folder cannot be made; what `load_data`, `Trainer` and its `resume` and `run`
        raise.
    FindingsError
        When the model would not fit the core that it is to be trained for.
    """
    folder = options.folder
    if folder is not None:
        _make_folder(folder / SHEETS)
    trainer = Trainer(config, load_data(config, options.data), options.threads, options.device)
    remarks: tuple[str, ...] = ()
    if folder is not None and not options.fresh and (folder / STATE_FILE).exists():
        remarks = trainer.resume(folder / STATE_FILE)
    for remark in remarks:
        watch.say(f"{config.name}: {remark}")
    resumed_at = trainer.progress.iteration
    _run(trainer, folder, watch)
    graph = trainer.average.to_graph(training_receipt(trainer))
    model = None if folder is None else folder / MODEL_FILE
    if model is not None:
        write_checkpoint(model, graph)
    progress = trainer.progress
    return TrainingResult(
        config=config,
        graph=graph,
        model=model,
        iterations=progress.iteration,
        resumed_at=resumed_at,
        remarks=remarks,
        seconds=progress.seconds,
        losses=progress.history[-1] if progress.history else {},
        checked=None if config.core is None else check_model(graph, config.core),
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OsccError("output.unwritable", f"cannot be made: {error.strerror}", where=str(folder)) from None


def _run(trainer: Trainer, folder: Path | None, watch: TrainingWatch) -> None:
    """Train to the end, tell the figures of each iteration, and draw sheets of samples."""
    name, schedule = trainer.config.name, trainer.config.schedule
    if trainer.fits_features:
        watch.say(f"{name}: an encoder for loss.features is trained first, about a minute")
    codes = _codes(trainer)
    if codes and codes[IN_USE] < DEAD:
        watch.say(
            f"{name}: {100 * codes[IN_USE]:.1f} % of the couplings have a code other than 0; "
            "training from larger model.weight_std would use more"
        )
    state, log_folder = (None, None) if folder is None else (folder / STATE_FILE, folder / LOG_FOLDER)
    with (
        tensorboard_log(log_folder) as log,
        watch.progress(name, trainer.progress.iteration, schedule.iterations) as show,
    ):
        for report in trainer.run(state):
            last = report.iteration == schedule.iterations
            if last or report.iteration % CODES_EVERY == 0:
                codes = _codes(trainer)
            figures = {**report.losses, **codes}
            show(report.iteration, figures)
            log(report.iteration, figures)
            if (
                folder is not None
                and trainer.data is not None
                and (last or report.iteration % schedule.sheet_every == 0)
            ):
                watch.draw(trainer.samples(SHEET_IMAGES).numpy(), folder / SHEETS / f"{report.iteration:06d}.png")


def _codes(trainer: Trainer) -> dict[str, float]:
    """Return the fraction of couplings with a code other than 0, under its name; empty for a model without codes."""
    share = code_share(trainer.average)
    return {} if share is None else {IN_USE: share}

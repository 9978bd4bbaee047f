"""Models that are trained, and how good they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from oscc.compiler.ir.graph import CouplingGraph
from oscc.given import Core, Model, core_of, only_oscc_errors, refuse_unknown, whole_number
from oscc.running import Progress

if TYPE_CHECKING:
    from oscc.models.quality.evaluation import Evaluation
    from oscc.models.training.training_config import TrainingConfig
    from oscc.models.training.training_result import TrainingResult


@dataclass(frozen=True, eq=False, repr=False)
class Trained:
    """A model that was trained.

    Parameters
    ----------
    training : TrainingResult
        With the losses, and the model on its core.
    """

    training: TrainingResult

    @property
    def model(self) -> CouplingGraph:
        """The model, which all functions of the interface take."""
        return self.training.graph

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc train --json`` prints it."""
        return self.training.to_dict()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the model as a checkpoint, and return its path.

        Parameters
        ----------
        path : str or path

        Raises
        ------
        OsccError
            When the file cannot be written.
        """
        from oscc.compiler.frontends.checkpoint import write_checkpoint

        write_checkpoint(Path(path), self.model)
        return Path(path)

    def __repr__(self) -> str:
        return f"<Trained: {self.model.name}, {self.training.iterations} iterations>"

    def _repr_html_(self) -> str:
        from oscc.notebook import trained_html

        return trained_html(self.training)


@dataclass(frozen=True, eq=False, repr=False)
class Evaluated:
    """How good a model is.

    Parameters
    ----------
    evaluation : ImageEvaluation or PointEvaluation
        With the measures of each set of samples.
    """

    evaluation: Evaluation

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON, as ``oscc evaluate --json`` prints it."""
        return self.evaluation.to_dict()

    def __repr__(self) -> str:
        return f"<Evaluated: {self.evaluation.model.name} on {self.evaluation.dataset}>"

    def _repr_html_(self) -> str:
        from oscc.notebook import mapping_html

        return mapping_html(f"{self.evaluation.model.name} on {self.evaluation.dataset}", self.to_dict())


@only_oscc_errors
def train(
    config: str | os.PathLike[str] | TrainingConfig,
    folder: str | os.PathLike[str] | None = None,
    *,
    data: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    threads: int = 1,
    device: str = "cpu",
) -> Trained:
    """Train a model.

    Parameters
    ----------
    config : str, path or TrainingConfig
        The path of a configuration (YAML); ``quick`` is the one of ``oscc train --quick``.
    folder : str, path or None
        Where state, sheets of samples and model are written; a training that was stopped there goes on. Without one,
        nothing is written.
    data : str, path or None
        Folder with the data set's file.
    fresh : bool
        Begin anew, whatever the folder holds.
    threads : int
    device : str
        ``cpu``, or ``cuda`` where PyTorch has one.

    Raises
    ------
    OsccError
        When something is wrong with what was given, or the model could not fit the core that it is trained for.
    """
    from oscc.models.training.session import TrainingOptions
    from oscc.models.training.session import train as run_training
    from oscc.models.training.training_config import load_training, quick_training

    if isinstance(config, str | os.PathLike):
        text = os.fspath(config)
        config = quick_training() if text == QUICK else load_training(Path(text))
    options = TrainingOptions(
        folder=None if folder is None else Path(folder),
        data=None if data is None else Path(data),
        fresh=fresh,
        threads=whole_number("threads", threads, 1),
        device=device,
    )
    return Trained(run_training(config, options))


QUICK = "quick"
"""Stands for the configuration that comes with the package."""


class EvaluateKeywords(TypedDict, total=False):
    """How a model is evaluated; what is left out is as the command has it.

    Parameters
    ----------
    dataset : str
        What the model was trained on, where it is left out.
    data : str or path
        Folder with the data set's file.
    extractor : str or path
        Weights of the extractor of FD-LeNet.
    inception : str or path
        Weights of the Inception network, for FID as well.
    noise : {"none", "moderate", "strong"}
    n : int
        Samples in a set.
    seeds : int
        Sets of samples, from different noise.
    step : float
        Longest RK4 step [model time].
    threads : int
    progress : callable
        Called with what is being done, and how far it is, 0 to 1.
    """

    dataset: str
    data: str | os.PathLike[str]
    extractor: str | os.PathLike[str]
    inception: str | os.PathLike[str]
    noise: str
    n: int
    seeds: int
    step: float
    threads: int
    progress: Progress


@only_oscc_errors
def evaluate(model: Model | Trained, core: Core | None = None, **options: Unpack[EvaluateKeywords]) -> Evaluated:
    """Measure the samples of a model against a data set.

    Parameters
    ----------
    model : Trained, path of a checkpoint, CouplingGraph, or torch module of oscc
    core : str, path, CoreSpec or None
        The core whose codes the model runs with; at full precision without one.
    **options
        As `EvaluateKeywords` lists them.

    Raises
    ------
    OsccError
        When something is wrong with what was given, or the model does not fit the core.
    """
    from oscc.compiling import read_model
    from oscc.models.quality.evaluation import evaluate as measure
    from oscc.models.quality.evaluation_options import EvaluationOptions

    refuse_unknown("evaluate", options, EvaluateKeywords)
    given: dict[str, Any] = {name: value for name, value in options.items() if name not in ("n", "progress")}
    given |= {name: Path(given[name]) for name in ("data", "extractor", "inception") if name in given}
    given |= {name: whole_number(name, given[name], 1) for name in ("seeds", "threads") if name in given}
    if "n" in options:
        given["samples"] = whole_number("n", options["n"], 1)
    settings = EvaluationOptions(core=None if core is None else core_of(core), **given)
    progress = options.get("progress")
    model = model.model if isinstance(model, Trained) else model
    given_model = Path(model) if isinstance(model, str | os.PathLike) else read_model(model)
    return Evaluated(measure(given_model, settings, progress))

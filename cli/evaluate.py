"""`oscc evaluate`: how good the images of a model are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.choice_names import completing
from oscc.cli.common import (
    JsonOption,
    ModelArgument,
    print_json,
    print_table,
    refuse_ignored,
    samples_option,
)
from oscc.cli.evaluate_text import evaluation_table, sensitivity_table
from oscc.cli.option_record import with_options
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.core.spec import CoreSpec

FILES = {"data": "--data", "extractor": "--extractor", "inception": "--inception-weights"}
"""Options that only images use."""

MEASURING = {"dataset": "--dataset", "noise": "--noise", "samples": "-n", "seeds": "--seeds", "step": "--step"}
"""Options of drawing samples and of measuring them."""


@dataclass(frozen=True)
class EvaluateVerbOptions:
    """The options of the verb."""

    model: ModelArgument
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            autocompletion=completing("datasets"),
            metavar="NAME",
            help="digits, mnist, fashion-mnist or a set of points; what the model was trained on if left out.",
            show_default=False,
        ),
    ] = None
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None
    extractor: Annotated[
        Path | None,
        typer.Option(
            "--extractor",
            metavar="FILE",
            help="Other weights for the extractor of FD-LeNet than the data set's own.",
            show_default=False,
        ),
    ] = None
    core: Annotated[
        str | None,
        typer.Option("--core", metavar="SPEC", help="Run with this core's codes; else at full precision."),
    ] = None
    bits: Annotated[
        int | None, typer.Option("--bits", min=2, max=8, help="Bits of the coupling codes, in place of the core's.")
    ] = None
    noise: Annotated[
        str, typer.Option("--noise", help="none, moderate or strong.", autocompletion=completing("noise"))
    ] = "none"
    samples: Annotated[int, samples_option("How many images.", least=2, most=100_000)] = 10_000
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="How many sets of them: seeds 0, 1, ...")] = 1
    step: Annotated[float, typer.Option("--step", min=1e-4, max=10, help="Longest RK4 step, in model time.")] = 0.1
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Threads to compute with.")] = 1
    inception: Annotated[
        Path | None,
        typer.Option(
            "--inception-weights",
            metavar="FILE",
            help="Weights of the Inception network: FID, too.",
            show_default=False,
            exists=True,
            dir_okay=False,
        ),
    ] = None
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="What moves the end of a run, instead; needs no data.")
    ] = False
    as_json: JsonOption = False


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("evaluate")(evaluate_verb)


@with_options(EvaluateVerbOptions)
def evaluate_verb(context: typer.Context, given: EvaluateVerbOptions) -> None:
    """Measure FD-LeNet (it is not FID), memorisation and coverage of classes; of points, the Wasserstein distance."""
    if given.bits is not None and given.core is None:
        raise typer.BadParameter("the bits of a core's codes; give --core too", param_hint="--bits")
    if given.sensitivity:
        refuse_ignored(context, {**FILES, **MEASURING}, "--sensitivity has runs of its own, and needs no data")
        _show_sensitivity(given)
    else:
        _show_quality(context, given)


def _show_quality(context: typer.Context, given: EvaluateVerbOptions) -> None:
    from oscc.models.data.datasets import POINT_SETS
    from oscc.models.quality.evaluation import evaluate
    from oscc.models.quality.evaluation_options import EvaluationOptions
    from oscc.models.quality.sampling import noise_named, trained_on

    # Before a core is read.
    noise_named(given.noise)
    core = _core(given)
    dataset = given.dataset if given.dataset is not None else trained_on(given.model)
    if dataset in POINT_SETS:
        refuse_ignored(context, FILES, f"'{dataset}' is a set of points, which is computed")
    elif dataset == "digits":
        refuse_ignored(context, {"data": "--data"}, "'digits' comes with scikit-learn")
    options = EvaluationOptions(
        dataset=dataset,
        data=given.data,
        extractor=given.extractor,
        inception=given.inception,
        core=core,
        noise=given.noise,
        samples=given.samples,
        seeds=given.seeds,
        step=given.step,
        threads=given.threads,
    )
    with progress_bar("drawing samples") as progress:
        found = evaluate(given.model, options, progress)
    if given.as_json:
        print_json(found.to_dict())
    else:
        print_table(*evaluation_table(found))


def _show_sensitivity(given: EvaluateVerbOptions) -> None:
    from oscc.models.quality.sensitivity import measure_sensitivity

    core = _core(given)
    with progress_bar("comparing runs") as progress:
        found = measure_sensitivity(given.model, core, threads=given.threads, progress=progress)
    if given.as_json:
        print_json(found.to_dict())
    else:
        print_table(*sensitivity_table(found))


def _core(given: EvaluateVerbOptions) -> CoreSpec | None:
    from oscc.core.spec_file import load_core

    if given.core is None:
        return None
    core = load_core(given.core)
    return core if given.bits is None else core.with_coupling_bits(given.bits)

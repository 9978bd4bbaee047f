"""`oscc evaluate`: how good the images of a model are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.common import JsonOption, ModelArgument, print_json, print_table, refuse_ignored
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.core.spec import CoreSpec
    from oscc.models.quality.sensitivity import Difference


FILES = {"data": "--data", "extractor": "--extractor", "inception": "--inception-weights"}
"""Options that only images use."""

MEASURING = {"dataset": "--dataset", "noise": "--noise", "samples": "-n", "seeds": "--seeds", "step": "--step"}
"""Options of drawing samples and of measuring them."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("evaluate")(evaluate_verb)


def evaluate_verb(
    context: typer.Context,
    model: ModelArgument,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            metavar="NAME",
            help="digits, mnist, fashion-mnist or a set of points; what the model was trained on if left out.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None,
    extractor: Annotated[
        Path | None,
        typer.Option(
            "--extractor",
            metavar="FILE",
            help="Other weights for the extractor of FD-LeNet than the data set's own.",
            show_default=False,
        ),
    ] = None,
    core: Annotated[
        str | None,
        typer.Option("--core", metavar="SPEC", help="Run with this core's codes; else at full precision."),
    ] = None,
    bits: Annotated[
        int | None, typer.Option("--bits", min=2, max=8, help="Bits of the coupling codes, in place of the core's.")
    ] = None,
    noise: Annotated[str, typer.Option("--noise", help="none, moderate or strong.")] = "none",
    samples: Annotated[int, typer.Option("-n", "--samples", min=2, max=100_000, help="How many images.")] = 10_000,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=100, help="How many times, from different noise.")] = 1,
    step: Annotated[float, typer.Option("--step", min=1e-4, max=10, help="Longest RK4 step, in model time.")] = 0.1,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help="Threads to compute with.")] = 1,
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
    ] = None,
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help="What moves the end of a run, instead; needs no data.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure FD-LeNet (it is not FID), memorisation and coverage of classes; of points, the Wasserstein distance."""
    if bits is not None and core is None:
        raise typer.BadParameter("the bits of a core's codes; give --core too", param_hint="--bits")
    if sensitivity:
        refuse_ignored(context, {**FILES, **MEASURING}, "--sensitivity has runs of its own, and needs no data")
        _show_sensitivity(model, _core(core, bits), threads, as_json)
        return
    from oscc.models.data.datasets import POINT_SETS
    from oscc.models.quality.evaluation import Conditions, noise_named, trained_on

    level, chosen = noise_named(noise), _core(core, bits)
    conditions = [Conditions(chosen, level, step, seed, threads) for seed in range(seeds)]
    measured = dataset if dataset is not None else trained_on(model)
    if measured in POINT_SETS:
        from oscc.cli.evaluate_points import evaluate_points

        refuse_ignored(context, FILES, f"'{measured}' is a set of points, which is computed")
        evaluate_points(model, measured, noise, conditions, samples, as_json)
        return
    from oscc.cli.evaluate_images import evaluate_images

    if measured == "digits":
        refuse_ignored(context, {"data": "--data"}, "'digits' comes with scikit-learn")
    evaluate_images(model, measured, data, extractor, inception, noise, conditions, samples, as_json)


def _show_sensitivity(model: Path, core: CoreSpec | None, threads: int, as_json: bool) -> None:
    from oscc.models.quality.sensitivity import CONVERGED_STEP, SAMPLES, measure_sensitivity

    with progress_bar("comparing runs") as progress:
        found = measure_sensitivity(model, core, threads=threads, progress=progress)
    if as_json:
        print_json(
            {
                "model": str(model),
                "core": None if core is None else core.name,
                "samples": SAMPLES,
                "reference": f"RK4 {CONVERGED_STEP:g}, float64",
                "differences": [difference.as_dict() for difference in found],
            }
        )
        return
    rows = [(difference.what, _difference_text(difference, SAMPLES)) for difference in found]
    print_table(f"{model.name}: end of {SAMPLES} runs against RK4 {CONVERGED_STEP:g}", rows)


def _difference_text(difference: Difference, samples: int) -> str:
    if difference.diverged:
        return f"{difference.diverged} of {samples} runs diverge: the step is too long for this model"
    return (
        f"median {difference.median:.1e}, 99 % {difference.percentile_99:.1e}, max {difference.largest:.1e} rad; "
        f"pixels {difference.pixel:.1e}"
    )


def _core(name: str | None, bits: int | None) -> CoreSpec | None:
    from oscc.core.spec_file import load_core

    if name is None:
        return None
    core = load_core(name)
    return core if bits is None else core.with_coupling_bits(bits)

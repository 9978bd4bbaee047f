"""`oscc evaluate`: how good the images of a model are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.common import JsonOption, ModelArgument, print_json, print_table
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.compiler.spec import CoreSpec


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("evaluate")(evaluate_verb)


def evaluate_verb(
    model: ModelArgument,
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="mnist, fashion-mnist or a set of points.")
    ] = "mnist",
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with the data set's file.", show_default=False)
    ] = None,
    extractor: Annotated[
        Path | None,
        typer.Option("--extractor", metavar="FILE", help="Weights of the extractor of FD-LeNet.", show_default=False),
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
    step: Annotated[float, typer.Option("--step", min=1e-4, max=10, help="Longest RK4 step [model time].")] = 0.1,
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
    files = {"--data": data, "--extractor": extractor, "--inception-weights": inception}
    if sensitivity:
        _refuse(files, "what moves the end of a run needs no data")
        _show_sensitivity(model, _core(core, bits), threads, as_json)
        return
    from oscc.models.datasets import POINT_SETS
    from oscc.models.evaluation import Conditions, noise_named

    level, chosen = noise_named(noise), _core(core, bits)
    conditions = [Conditions(chosen, level, step, seed, threads) for seed in range(seeds)]
    if dataset in POINT_SETS:
        from oscc.cli.evaluate_points import evaluate_points

        _refuse(files, f"'{dataset}' is a set of points, which is computed")
        evaluate_points(model, dataset, noise, conditions, samples, as_json)
        return
    from oscc.cli.evaluate_images import evaluate_images

    if extractor is None:
        raise typer.BadParameter("needs the weights of the extractor", param_hint="--extractor")
    evaluate_images(model, dataset, data, extractor, inception, noise, conditions, samples, as_json)


def _refuse(files: Mapping[str, Path | None], reason: str) -> None:
    for option, path in files.items():
        if path is not None:
            raise typer.BadParameter(reason, param_hint=option)


def _show_sensitivity(model: Path, core: CoreSpec | None, threads: int, as_json: bool) -> None:
    from oscc.models.sensitivity import CONVERGED_STEP, SAMPLES, measure_sensitivity

    with progress_bar() as progress:
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
    rows = [
        (
            difference.what,
            f"median {difference.median:.1e}, 99 % {difference.percentile_99:.1e}, max {difference.largest:.1e} rad; "
            f"pixels {difference.pixel:.1e}",
        )
        for difference in found
    ]
    print_table(f"{model.name}: end of {SAMPLES} runs against RK4 {CONVERGED_STEP:g}", rows)


def _core(name: str | None, bits: int | None) -> CoreSpec | None:
    from oscc.compiler.spec_file import load_core

    if name is None:
        return None
    core = load_core(name)
    return core if bits is None else core.with_coupling_bits(bits)

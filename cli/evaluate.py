"""`oscc evaluate`: how good the images of a model are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oscc.cli.common import JsonOption, ModelArgument, print_json, print_table
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.compiler.spec import CoreSpec
    from oscc.models.datasets import ImageData
    from oscc.models.evaluation import Conditions
    from oscc.models.inception import InceptionDistance


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
        _show_sensitivity(model, _core(core, bits), threads, as_json)
        return
    from oscc.models.datasets import POINT_SETS, load_images, pool_factor, pooled
    from oscc.models.evaluation import Conditions, Yardstick, draw_images, measure, noise_named, running_graph
    from oscc.models.features import load_lenet

    level, chosen = noise_named(noise), _core(core, bits)
    if dataset in POINT_SETS:
        _show_points(
            model, dataset, [Conditions(chosen, level, step, seed, threads) for seed in range(seeds)], samples, as_json
        )
        return
    if extractor is None:
        raise typer.BadParameter("needs the weights of the extractor", param_hint="--extractor")
    images, net = load_images(dataset, data), load_lenet(extractor)
    graph = running_graph(model, chosen)
    # A model trained on images that were made smaller is compared with images that were.
    pool = pool_factor(images, graph.image_shape)
    images = pooled(images, pool)
    yardstick, fid_to = Yardstick.of(images, net), _fid_to(inception, images)
    found, fids = [], []
    with progress_bar() as progress:
        for seed in range(seeds):
            drawn = draw_images(graph, Conditions(chosen, level, step, seed, threads), samples, progress)
            found.append(measure(drawn, yardstick))
            if fid_to is not None:
                fids.append(fid_to(drawn))
    result: dict[str, Any] = {
        "model": str(model),
        "dataset": dataset,
        "pool": pool,
        "core": None if chosen is None else chosen.name,
        "coupling_bits": None if chosen is None else chosen.coupling_dac.bits,
        "noise": noise,
        "step": step,
        "extractor_sha256": net.sha256,
        "seeds": [quality.as_dict() for quality in found],
        "fd_lenet": _mean_and_spread([quality.fd_lenet for quality in found]),
    }
    if fids:
        result["inception_fid"] = _mean_and_spread(fids)
    if as_json:
        print_json(result)
        return
    mean, spread = result["fd_lenet"]["mean"], result["fd_lenet"]["spread"]
    where = "full precision" if chosen is None else f"{chosen.name}, {chosen.coupling_dac.bits}-bit couplings"
    shares = " ".join(f"{share:.3f}" for share in found[0].class_shares)
    rows = [
        ("run", f"{where}, noise {noise}, RK4 {step:g}"),
        ("FD-LeNet", f"{mean:.1f} +- {spread:.1f}, {samples} samples, {seeds} seeds (simulated; not FID)"),
        ("nearest training image", f"{found[0].nearest_pixel:.2f} of a test image's"),
        ("classes", f"{shares}; coverage {found[0].coverage:.3f}"),
    ]
    if fids:
        fid = result["inception_fid"]
        rows.append(("FID (Inception)", f"{fid['mean']:.1f} +- {fid['spread']:.1f}, against the test images"))
    print_table(f"{model.name} on {dataset}{f', pooled {pool} x {pool}' if pool > 1 else ''}", rows)


def _fid_to(weights: Path | None, images: ImageData) -> InceptionDistance | None:
    from oscc.models.inception import InceptionDistance

    return None if weights is None else InceptionDistance(weights, images.test)


def _show_points(model: Path, dataset: str, conditions: list[Conditions], samples: int, as_json: bool) -> None:
    from oscc.models.evaluation import draw_images, running_graph
    from oscc.models.point_quality import measure_points

    core = conditions[0].core
    graph = running_graph(model, core)
    with progress_bar() as progress:
        found = [measure_points(draw_images(graph, each, samples, progress), dataset, each.seed) for each in conditions]
    distance = _mean_and_spread([quality.distance for quality in found])
    floor = _mean_and_spread([quality.floor for quality in found])
    if as_json:
        print_json(
            {
                "model": str(model),
                "dataset": dataset,
                "core": None if core is None else core.name,
                "seeds": [quality.as_dict() for quality in found],
                "sliced_wasserstein": distance,
                "floor": floor,
            }
        )
        return
    rows = [
        ("sliced Wasserstein-2", f"{distance['mean']:.4f} +- {distance['spread']:.4f} (simulated)"),
        ("fresh points", f"{floor['mean']:.4f} +- {floor['spread']:.4f} from each other"),
        ("samples", f"{samples}, {len(found)} seeds"),
    ]
    print_table(f"{model.name} on {dataset}", rows)


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


def _mean_and_spread(values: list[float]) -> dict[str, float]:
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / max(1, len(values) - 1)) ** 0.5
    return {"mean": mean, "spread": spread}

"""`oscc evaluate` of a model of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from oscc.cli.common import mean_and_spread, print_json, print_table
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.models.quality.evaluation import Conditions, Quality


def evaluate_images(
    model: Path,
    dataset: str,
    data: Path | None,
    extractor: Path | None,
    inception: Path | None,
    noise: str,
    conditions: list[Conditions],
    samples: int,
    as_json: bool,
) -> None:
    """Measure the images of a model and say how good they are.

    Parameters
    ----------
    model : Path
    dataset : str
    data : Path or None
        Folder with the data set's file.
    extractor : Path or None
        Weights of the extractor of FD-LeNet, in place of those that come with the package for the data set.
    inception : Path or None
        Weights of the Inception network, for FID as well.
    noise : str
        Name of the level of noise.
    conditions : list of Conditions
        Alike but for the seed; one per set of samples.
    samples : int
        In a set.
    as_json : bool

    Raises
    ------
    OsccError
        When a file cannot be read, images, extractor and model are of different sizes, the extractor does not know the
        data set, or runs diverge.
    FindingsError
        When the model does not fit the core.
    """
    from oscc.models.data.datasets import load_images, pool_factor, pooled
    from oscc.models.quality.evaluation import Yardstick, draw_images, measure, running_graph
    from oscc.models.quality.features import JUDGED, check_extractor, load_lenet, shipped_extractor
    from oscc.models.quality.inception import InceptionDistance

    images = load_images(dataset, data)
    net = shipped_extractor(dataset) if extractor is None else load_lenet(extractor)
    graph = running_graph(model, conditions[0].core)
    # A model trained on images that were made smaller is compared with images that were.
    pool = pool_factor(images, graph.image_shape)
    accuracy = check_extractor(net, images)
    images = pooled(images, pool)
    fid_to = None if inception is None else InceptionDistance(inception, images.test)
    yardstick = Yardstick.of(images, net)
    found: list[Quality] = []
    fids: list[float] = []
    with progress_bar("drawing samples") as progress:
        for number, each in enumerate(conditions, 1):

            def tell(what: str, done: float, number: int = number) -> None:
                before = f", FD-LeNet {found[-1].fd_lenet:.1f} before" if found else ""
                progress(f"{what}, set {number} of {len(conditions)}{before}", done)

            drawn = draw_images(graph, each, samples, tell)
            progress("measuring the images", 0.0)
            found.append(measure(drawn, yardstick))
            if fid_to is not None:
                fids.append(fid_to(drawn))
    result: dict[str, Any] = {
        "model": str(model),
        "dataset": dataset,
        "pool": pool,
        **run_keys(conditions[0], noise),
        "extractor_sha256": net.sha256,
        "extractor_accuracy": accuracy,
        "seeds": [quality.as_dict() for quality in found],
        "fd_lenet": mean_and_spread([quality.fd_lenet for quality in found]),
    }
    if fid_to is not None:
        result["inception_fid"] = {**mean_and_spread(fids), "seeds": fids, "weights_sha256": fid_to.sha256}
    if as_json:
        print_json(result)
        return
    judged = f"classifies {100 * accuracy:.1f} % of {min(JUDGED, len(images.test))} test images rightly"
    print_table(
        f"{model.name} on {dataset}{f', pooled {pool} x {pool}' if pool > 1 else ''}",
        [("run", run_words(conditions[0], noise)), *_rows(result, found, samples), ("extractor", judged)],
    )


def run_keys(conditions: Conditions, noise: str) -> dict[str, Any]:
    """How the samples are drawn, as JSON.

    Parameters
    ----------
    conditions : Conditions
    noise : str
        Name of the level of noise.
    """
    core = conditions.core
    return {
        "core": None if core is None else core.name,
        "coupling_bits": None if core is None else core.coupling_dac.bits,
        "noise": noise,
        "step": conditions.step,
    }


def run_words(conditions: Conditions, noise: str) -> str:
    """How the samples are drawn, for people.

    Parameters
    ----------
    conditions : Conditions
    noise : str
        Name of the level of noise.
    """
    core = conditions.core
    where = "full precision" if core is None else f"{core.name}, {core.coupling_dac.bits}-bit couplings"
    return f"{where}, noise {noise}, RK4 {conditions.step:g}"


def _rows(result: dict[str, Any], found: list[Quality], samples: int) -> list[tuple[str, str]]:
    distance, first = result["fd_lenet"], found[0]
    shares = " ".join(f"{share:.3f}" for share in first.class_shares)
    sets = f"{samples} samples, {len(found)} seeds (simulated; not FID)"
    rows = [
        ("FD-LeNet", f"{distance['mean']:.1f} +- {distance['spread']:.1f}, {sets}"),
        ("nearest training image", f"{first.nearest_pixel:.2f} of a test image's"),
        ("classes", f"{shares}; coverage {first.coverage:.3f}"),
    ]
    if fid := result.get("inception_fid"):
        rows.append(("FID (Inception)", f"{fid['mean']:.1f} +- {fid['spread']:.1f}, against the test images"))
    return rows

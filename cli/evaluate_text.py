"""The tables that `oscc evaluate` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oscc.models.quality.evaluation import Evaluation
    from oscc.models.quality.evaluation_options import EvaluationOptions
    from oscc.models.quality.image_evaluation import ImageEvaluation
    from oscc.models.quality.point_evaluation import PointEvaluation
    from oscc.models.quality.sensitivity import Difference, Sensitivity

Table = tuple[str, list[tuple[str, str]]]
"""A title, and rows of name and value."""


def evaluation_table(found: Evaluation) -> Table:
    """Return how good a model is, for people.

    Parameters
    ----------
    found : ImageEvaluation or PointEvaluation
    """
    from oscc.models.quality.image_evaluation import ImageEvaluation

    return _image_table(found) if isinstance(found, ImageEvaluation) else _point_table(found)


def sensitivity_table(found: Sensitivity) -> Table:
    """Return what moves the end of a run, for people.

    Parameters
    ----------
    found : Sensitivity
    """
    from oscc.models.quality.sensitivity import CONVERGED_STEP

    rows = [(difference.what, _difference_text(difference, found.samples)) for difference in found.differences]
    return f"{found.model.name}: end of {found.samples} runs against RK4 {CONVERGED_STEP:g}", rows


def _image_table(found: ImageEvaluation) -> Table:
    distance, first, extractor = found.fd_lenet, found.seeds[0], found.extractor
    shares = " ".join(f"{share:.3f}" for share in first.class_shares)
    sets = f"{found.options.samples} samples, {len(found.seeds)} seeds (simulated; not FID)"
    rows = [
        ("run", _run_text(found.options)),
        ("FD-LeNet", f"{distance.mean:.1f} +- {distance.spread:.1f}, {sets}"),
        ("nearest training image", f"{first.nearest_pixel:.2f} of a test image's"),
        ("classes", f"{shares}; coverage {first.coverage:.3f}"),
    ]
    if found.fid is not None:
        fid = found.fid.spread
        rows.append(("FID (Inception)", f"{fid.mean:.1f} +- {fid.spread:.1f}, against the test images"))
    judged = f"classifies {100 * extractor.accuracy:.1f} % of {extractor.judged} test images rightly"
    pooled = f", pooled {found.pool} x {found.pool}" if found.pool > 1 else ""
    return f"{found.model.name} on {found.dataset}{pooled}", [*rows, ("extractor", judged)]


def _point_table(found: PointEvaluation) -> Table:
    distance, floor = found.distance, found.floor
    rows = [
        ("run", _run_text(found.options)),
        ("sliced Wasserstein-2", f"{distance.mean:.4f} +- {distance.spread:.4f} (simulated)"),
        ("fresh points", f"{floor.mean:.4f} +- {floor.spread:.4f} from each other"),
        ("samples", f"{found.options.samples}, {len(found.seeds)} seeds"),
    ]
    return f"{found.model.name} on {found.dataset}", rows


def _run_text(options: EvaluationOptions) -> str:
    core = options.core
    where = "full precision" if core is None else f"{core.name}, {core.coupling_dac.bits}-bit couplings"
    return f"{where}, noise {options.noise}, RK4 {options.step:g}"


def _difference_text(difference: Difference, samples: int) -> str:
    if difference.diverged:
        return f"{difference.diverged} of {samples} runs diverge: the step is too long for this model"
    return (
        f"median {difference.median:.1e}, 99 % {difference.percentile_99:.1e}, max {difference.largest:.1e} rad; "
        f"pixels {difference.pixel:.1e}"
    )

"""What ``oscc report`` leaves: the page alone, or all of the report in a folder of the compilation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from oscc.base.file_output import write_text
from oscc.base.output_folder import replace_subfolder
from oscc.base.progress import Report, tell_stage
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.report.page import report_page
from oscc.report.report_data import ReportData, report_json
from oscc.report.samples import Samples, draw_samples, no_images, write_samples

REPORT_FOLDER = "report"


@dataclass(frozen=True)
class WrittenReport:
    """Where a report is.

    Parameters
    ----------
    page : Path
    pictures : tuple of str
        Names of those beside the page.
    """

    page: Path
    pictures: tuple[str, ...] = ()


def samples_of(data: ReportData, compiled: tuple[CoreSpec, Program] | None, progress: Report | None) -> Samples:
    """Return the samples of a report, or why there are none.

    Parameters
    ----------
    data : ReportData
    compiled : tuple of (CoreSpec, Program) or None
        None for a model that does not fit.
    progress : callable or None
    """
    if compiled is None:
        return Samples.none(no_images(data, None))
    return draw_samples(data, *compiled, progress)


def write_page(path: Path, data: ReportData, samples: Samples | None, progress: Report | None) -> WrittenReport:
    """Write the page of a report alone.

    Parameters
    ----------
    path : Path
    data : ReportData
    samples : Samples or None
        Without them, the page has no section about them.
    progress : callable or None
    """
    tell_stage(progress, "writing the page")
    write_text(path, report_page(data, samples))
    return WrittenReport(path)


def write_report(folder: Path, data: ReportData, samples: Samples | None, progress: Report | None) -> WrittenReport:
    """Write page, report.json and pictures into ``report/`` of a compilation.

    Parameters
    ----------
    folder : Path
    data : ReportData
    samples : Samples or None
        Without them, the page has no section about them.
    progress : callable or None

    Raises
    ------
    OsccError
        As `replace_subfolder` raises it.
    """
    # Drawing loads matplotlib.
    from oscc.report.slides import write_slides

    tell_stage(progress, "writing the page")
    page = report_page(data, samples)
    with replace_subfolder(folder, REPORT_FOLDER) as target:
        write_text(target / "report.html", page)
        write_text(target / "report.json", report_json(data))
        tell_stage(progress, "drawing the pictures")
        pictures = write_slides(data, target)
        if samples is not None:
            pictures += write_samples(samples, target)
    return WrittenReport(folder / REPORT_FOLDER / "report.html", tuple(pictures))

from __future__ import annotations

import dataclasses

from oscc.compiler.findings.of_codes import CodeWarning
from oscc.report.page import report_page
from oscc.report.report_data import ReportData
from oscc.report.warnings_panel import warnings_panel

LOST = CodeWarning("W005", "3 of 4 <weights> are lost", "use {bits: 8}", {})


def test_the_panel_holds_what_is_lost_and_what_would_keep_it() -> None:
    panel = warnings_panel((LOST, dataclasses.replace(LOST, code="W003", message="merged & gone")))
    assert "<h3>2 warnings: " in panel
    assert "3 of 4 &lt;weights&gt; are lost" in panel
    assert panel.index("W005") < panel.index("use {bits: 8}") < panel.index("merged &amp; gone")
    assert "<h3>1 warning: " in warnings_panel((LOST,))


def test_there_is_none_without_warnings() -> None:
    assert warnings_panel(()) == ""


def test_the_page_has_it_beside_the_verdict(fitting: ReportData) -> None:
    assert 'id="warnings"' not in report_page(fitting)
    assert "Fits, with warnings" not in report_page(fitting)
    page = report_page(dataclasses.replace(fitting, warnings=(LOST,)))
    assert page.index("✓ Fits, with warnings") < page.index('id="warnings"') < page.index('class="tiles"')
    assert fitting.code_use is not None
    assert f"{100 * fitting.code_use['coupling'].share:.1f} %" in page

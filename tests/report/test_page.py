"""The page in a real browser."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from oscc.report.page import report_page, witness_text
from oscc.report.report_data import Histogram, ReportData
from oscc.report.samples import Samples

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install Debian package chromium")


class Opened:
    """A page in Chromium, and everything that it complained of or asked the network for."""

    def __init__(self, page: Any) -> None:
        self.page, self.complaints, self.requests = page, list[str](), list[str]()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, data: ReportData, path: Path, samples: Samples | None = None) -> Any:
        path.write_text(report_page(data, samples), encoding="utf-8")
        self.page.goto(path.as_uri())
        assert self.complaints == []
        assert [url for url in self.requests if not url.startswith("data:")] == [path.as_uri()]
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # As root, which containers are run as, Chromium refuses to start with its sandbox.
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Opened]:
    page = browser.new_page(viewport={"width": 1180, "height": 900})
    yield Opened(page)
    page.close()


@needs_chromium
def test_it_opens_from_disk_with_the_verdict_first(opened: Opened, fitting: ReportData, tmp_path: Path) -> None:
    page = opened.open(fitting, tmp_path / "r.html")
    assert page.title() == f"{fitting.model} on {fitting.core}: fits"
    headings = [each.inner_text() for each in page.locator("section").all()]
    assert headings[0].startswith("✓ Fits")
    sections = page.eval_on_selector_all("section", "all => all.map(one => one.id)")
    assert sections == ["summary", "maps", "distributions", "codes", "solutions", "findings", "settings"]
    links = page.eval_on_selector_all("nav a", "all => all.map(one => one.getAttribute('href').slice(1))")
    assert links == sections
    assert "<model> & more.safetensors" in page.locator("#settings").inner_text()


@needs_chromium
def test_a_screenshot_of_each_section(opened: Opened, fitting: ReportData, misfit: ReportData, tmp_path: Path) -> None:
    for data in (fitting, misfit):
        page = opened.open(data, tmp_path / "r.html")
        for section in page.locator("section").all():
            path = tmp_path / f"{section.get_attribute('id')}.png"
            section.screenshot(path=path)
            with Image.open(path) as picture:
                # Something is drawn: more than paper and ink.
                assert picture.width > 900
                assert picture.height > 40
                assert len(picture.convert("RGB").getcolors(1_000_000) or []) > 5
        opened.requests.clear()


@needs_chromium
def test_findings_are_filtered(opened: Opened, misfit: ReportData, tmp_path: Path) -> None:
    page = opened.open(misfit, tmp_path / "r.html")
    lines = page.locator("#finding-table tbody tr")
    listed = len(misfit.findings.listed)
    assert lines.count() == listed

    def shown() -> int:
        count = page.locator("#finding-table tbody tr:visible").count()
        assert page.locator("#shown").inner_text() == f"{count} of {listed} shown"
        return int(count)

    assert shown() == listed
    codes = [finding.code for finding in misfit.findings.listed]
    page.select_option("#code", "R001")
    assert shown() == codes.count("R001") > 0
    page.fill("#search", "(2, 2)")
    expected = sum(
        finding.code == "R001" and "(2, 2)" in f"{finding.message} {witness_text(finding.witness)}"
        for finding in misfit.findings.listed
    )
    assert 0 < shown() == expected < codes.count("R001")
    page.click("#clear")
    assert shown() == listed
    page.select_option("#proof", "0")
    assert shown() == sum(not finding.proof for finding in misfit.findings.listed) > 0


@needs_chromium
def test_a_click_on_the_map_lists_its_findings(opened: Opened, misfit: ReportData, tmp_path: Path) -> None:
    page = opened.open(misfit, tmp_path / "r.html")
    point(page, "findings", 2.5, 1.5)
    page.mouse.down()
    page.mouse.up()
    assert page.input_value("#search") == "(2, 1)"
    assert 0 < page.locator("#finding-table tbody tr:visible").count() < len(misfit.findings.listed)


def point(page: Any, name: str, row: float, col: float) -> None:
    """Point at a place of a map, in cells; (0.5, 0.5) is the middle of the first one."""
    where = page.evaluate(
        """([name, x, y]) => {
          const map = document.querySelector(`svg[data-map=${name}]`);
          map.scrollIntoView({block: "center"});
          const at = new DOMPoint(x, y).matrixTransform(map.getScreenCTM());
          return [at.x, at.y];
        }""",
        [name, col * 10, row * 10],
    )
    page.mouse.move(*where)


@needs_chromium
def test_details_of_the_place_that_is_pointed_at(opened: Opened, fitting: ReportData, tmp_path: Path) -> None:
    page = opened.open(fitting, tmp_path / "r.html")
    tip = page.locator("#tip")
    routing = fitting.routing
    assert routing is not None
    point(page, "degree", 3.5, 4.5)
    degree = routing.cells.degree[3][4]
    assert tip.inner_text().splitlines() == [
        f"cell (3, 4): node {routing.cells.node[3][4]}",
        f"{degree} of 24 couplings into it",
        f"{routing.cells.units[3][4]} coupling units used",
    ]
    point(page, "degree", 0.5, 10.5)
    assert tip.inner_text().splitlines() == ["cell (0, 10)", "no node"]
    # Near the right side of cell (2, 3), then near its lower side.
    point(page, "boundaries", 2.5, 3.9)
    wires = routing.boundaries.across_columns.demand[2][3]
    assert tip.inner_text().startswith(f"between (2, 3) and (2, 4)\n{wires} of 30 tracks")
    point(page, "boundaries", 2.9, 3.5)
    wires = routing.boundaries.across_rows.demand[2][3]
    assert tip.inner_text().startswith(f"between (2, 3) and (3, 3)\n{wires} of 30 tracks")
    point(page, "defects", 0.5, 10.5)
    assert tip.inner_text().splitlines() == ["cell (0, 10)", "dead"]
    point(page, "defects", 8.5, 10.5)
    assert tip.inner_text().splitlines() == ["cell (8, 10)", "dead slots: 3, 5"]
    point(page, "defects", 1.5, 2.5)
    assert tip.inner_text().splitlines() == ["cell (1, 2)", "gain 1.1"]
    page.mouse.move(0, 0)
    assert not tip.is_visible()


@needs_chromium
def test_maps_answer_to_the_keyboard(opened: Opened, fitting: ReportData, tmp_path: Path) -> None:
    page = opened.open(fitting, tmp_path / "r.html")
    page.focus("svg[data-map=degree]")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.locator("#map-degree output").inner_text().startswith("cell (1, 1): node ")


@needs_chromium
def test_what_if_and_texts_that_look_like_code(opened: Opened, misfit: ReportData, tmp_path: Path) -> None:
    page = opened.open(misfit, tmp_path / "r.html")
    rows = [row.inner_text().split("\t") for row in page.locator("#what-if tbody tr").all()]
    assert rows == [
        ["1", "stencil", "use stencil box-2 <b>", "+16 coupling units per cell"],
        ["2", "drop", "drop 12 couplings", "0.25 of the norm of all weights, largest None"],
    ]
    assert page.locator("#what-if b").count() == 0


COLLISIONS = """() => {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push("the page scrolls sideways");
  for (const picture of document.querySelectorAll("svg.chart, svg.matrix, svg.map")) {
    const frame = picture.getBoundingClientRect(), name = picture.getAttribute("aria-label");
    const texts = [...picture.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([one, box], index) => {
      if (box.height < 9) found.push(`${name}: ${one} is ${box.height} pixels high`);
      if (Math.min(box.left - frame.left, frame.right - box.right, box.top - frame.top, frame.bottom - box.bottom) < -1)
        found.push(`${name}: ${one} is cut off`);
      for (const [other, its] of texts.slice(0, index))
        // The box of a line is somewhat higher than its letters.
        if (box.left < its.right && its.left < box.right && box.top < its.bottom - 2 && its.top < box.bottom - 2)
          found.push(`${name}: ${one} runs into ${other}`);
    });
  }
  return found;
}"""
"""What runs into something else, is cut off or too small to be read, a line each."""


@needs_chromium
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_runs_into_anything_at_any_width(
    width: int, opened: Opened, fitting: ReportData, misfit: ReportData, tmp_path: Path
) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    assert fitting.routing is not None
    assert fitting.quantization is not None
    assert fitting.solve is not None
    # As far apart as they may be: many bars with large counts, wide spans, a wide stencil, long names.
    wires = dataclasses.replace(fitting.routing.wires, lengths=tuple((at, 123_456 * at) for at in range(1, 200)))
    degree = dataclasses.replace(fitting.routing.degree, histogram=tuple((at, 10**at) for at in range(8)))
    far = tuple((row, col, None, 9_999) for row in range(-9, 10) for col in range(-9, 10) if (row, col) != (0, 0))
    routing = dataclasses.replace(fitting.routing, wires=wires, degree=degree, displacements=far)
    coupling = dataclasses.replace(
        fitting.quantization.groups["coupling"], histogram=tuple((code, 1_000_000 + code) for code in range(-7, 8))
    )
    quantization = dataclasses.replace(fitting.quantization, groups={"coupling": coupling})
    edges = tuple(-123_456.789 + 1234.5 * at for at in range(21))
    values = dataclasses.replace(fitting.solve.values, histogram=Histogram(tuple(range(20)), edges))
    solve = dataclasses.replace(fitting.solve, values=values, problem="p" * 120)
    extreme = dataclasses.replace(
        fitting, model="m" * 150, core="c" * 60, routing=routing, quantization=quantization, solve=solve
    )
    images = Samples(np.zeros((64, 28, 28), np.float32))
    for data in (fitting, misfit, extreme):
        page = opened.open(data, tmp_path / "r.html", images)
        assert page.evaluate(COLLISIONS) == []
        opened.requests.clear()


@needs_chromium
def test_samples_are_shown_and_said_to_be_simulated(opened: Opened, fitting: ReportData, tmp_path: Path) -> None:
    images = np.linspace(-1, 1, 64 * 12, dtype=np.float32).reshape(64, 3, 4)
    page = opened.open(fitting, tmp_path / "r.html", Samples(images))
    text = page.locator("#samples").inner_text()
    assert "64 images of the behavioural array, simulated" in text
    assert "seed 0, samples 0 to 63" in text
    size = page.eval_on_selector("#samples img", "image => [image.complete, image.naturalWidth, image.naturalHeight]")
    # Eight by eight images of 3 x 4 pixels, each pixel four wide, with gaps of four.
    assert size == [True, 8 * (16 + 4) + 4, 8 * (12 + 4) + 4]


def test_why_there_are_no_samples(fitting: ReportData) -> None:
    page = report_page(fitting, Samples.none("No images: <none>."))
    assert "<p>No images: &lt;none&gt;.</p>" in page
    assert "<img" not in page
    assert 'id="samples"' not in report_page(fitting)


class _Tags(HTMLParser):
    """Whether every tag is closed, in order."""

    EMPTY = ("meta", "link", "input", "path", "rect", "circle", "br", "img")

    def __init__(self) -> None:
        super().__init__()
        self.open, self.links = list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


def test_it_is_whole_and_refers_to_nothing_outside(fitting: ReportData, misfit: ReportData) -> None:
    for data in (fitting, misfit):
        samples = Samples(np.zeros((2, 2, 2), np.float32))
        page = report_page(data, samples)
        assert page == report_page(data, samples)
        tags = _Tags()
        tags.feed(page)
        assert tags.open == []
        assert all(link.startswith(("#", "data:")) for link in tags.links)
        assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_a_report_without_a_placement(misfit: ReportData) -> None:
    bare = dataclasses.replace(misfit, routing=None, what_if=None)
    page = report_page(bare)
    assert 'id="maps"' not in page
    assert 'id="findings"' in page


@pytest.mark.parametrize(
    ("witness", "text"),
    [
        ({"cell": [1, 2], "slot": 3}, "cell (1, 2), slot 3"),
        ({"nodes": list(range(12))}, "nodes [0, 1, 2, 3, 4, 5, 6, 7, ... 12 in all]"),
        (
            {"relative_norm": 0.123456789, "couplings": [[1, 2], [3, 4]]},
            "relative norm 0.123457, couplings [(1, 2), (3, 4)]",
        ),
        ({}, ""),
    ],
)
def test_witnesses_in_a_line(witness: dict[str, Any], text: str) -> None:
    assert witness_text(witness) == text
    json.dumps(witness)

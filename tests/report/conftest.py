"""What the tests of the report share: the data of a model that fits and of one that does not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.compile import check_model, compile_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt
from oscc.core.spec import CoreSpec
from oscc.report.report_data import Histogram, ProgramFile, ReportData, Solve, SolveValues, WhatIf, WhatIfEntry
from oscc.report.report_sources import report_of_result

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]

DEFECTS = {"cells": [[0, 10]], "slots": [[8, 10, 3], [8, 10, 5]], "gain": [[1, 2, 1.1]]}


@pytest.fixture(scope="session")
def fitting(make_core: MakeCore, make_graph: MakeGraph) -> ReportData:
    """A model on a core with defects, with a solution besides."""
    core = make_core(grid=[9, 11], defects=DEFECTS)
    model = ModelFile.of(make_graph(make_core(grid=[8, 10]), chunks=2, density=0.7), Path("<model> & more.safetensors"))
    data = report_of_result(compile_model(model.graph, core), Receipt(model, {"tau": "common", "clip": []}))
    assert data.fits
    values = SolveValues(7.0, 5.5, 1.0, (5.0, 5.5, 6.0), 2, Histogram((3, 0, 7), (4.0, 5.0, 6.0, 7.0)))
    return dataclasses.replace(
        data,
        program=ProgramFile("ab" * 32, 1234),
        cycles_per_sample=500,
        samples_per_second=200_000.0,
        solve=Solve("p.gset", "cut", 80, 10, 0, 3, values),
    )


@pytest.fixture(scope="session")
def misfit(make_core: MakeCore, make_graph: MakeGraph) -> ReportData:
    """A box-2 model on a king's core, with changes that would help."""
    model = ModelFile.of(make_graph(make_core(grid=[10, 10], stencil="box-2"), chunks=1), Path("box.safetensors"))
    result = check_model(model.graph, make_core(grid=[10, 9], stencil="king"))
    data = report_of_result(result, Receipt(model, {"tau": "common"}))
    assert not data.fits
    entries = (
        WhatIfEntry("stencil", "use stencil box-2 <b>", {"units_per_cell": 16, "cells": 0}),
        WhatIfEntry("drop", "drop 12 couplings", {"relative_norm": 0.25, "largest": None}),
    )
    return dataclasses.replace(data, what_if=WhatIf(entries))

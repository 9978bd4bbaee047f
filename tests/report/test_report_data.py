from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from oscc.compiler.compile import CompileResult, check_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.output.compile_output import Receipt
from oscc.core.spec import CoreSpec
from oscc.report.report_data import report_json, report_schema
from oscc.report.report_sources import report_of_result


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    content = json.loads((files("oscc.report") / "report.schema.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_the_published_schema_is_that_of_the_data(published: dict[str, Any]) -> None:
    assert published == report_schema()
    jsonschema.Draft202012Validator.check_schema(published)


def test_reports_follow_the_schema(
    published: dict[str, Any], tiny_result: CompileResult, tiny_model: Path, make_core: Callable[..., CoreSpec]
) -> None:
    checked = check_model(
        read_checkpoint(tiny_model), make_core(stencil="king", defects={"cells": [[1, 1]], "slots": [[2, 2, 3]]})
    )
    assert not checked.feasible
    receipt = Receipt(ModelFile.read(tiny_model), {"tau": "common"})
    for result in (tiny_result, checked):
        text = report_json(report_of_result(result, receipt))
        assert text == report_json(report_of_result(result, receipt))
        jsonschema.validate(json.loads(text), published)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "perhaps"},
        {"nodes": "64"},
        {"more": 1},
        {"schema": "oscc.report/2"},
        {"routing": {"transform": "x"}},
    ],
)
def test_what_the_schema_refuses(
    published: dict[str, Any], tiny_result: CompileResult, tiny_model: Path, change: dict[str, Any]
) -> None:
    content = json.loads(report_json(report_of_result(tiny_result, Receipt(ModelFile.read(tiny_model), {}))))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, **change}, published)

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from oscc.cli.check import check
from oscc.cli.compile import compile_verb
from oscc.cli.model_options import ModelOptions, with_model_options
from oscc.cli.place_options import parse_place_options
from oscc.compiler.passes.place import PlaceOptions


@pytest.mark.parametrize("verb", [check, compile_verb])
def test_both_verbs_have_all_of_them(verb: Callable[..., None]) -> None:
    parameters = inspect.signature(verb).parameters
    for each in dataclasses.fields(ModelOptions):
        default = parameters[each.name].default
        assert default == (inspect.Parameter.empty if each.default is dataclasses.MISSING else each.default)
    assert "given" not in parameters


def test_they_come_as_one_record_beside_those_of_the_verb() -> None:
    seen: dict[str, Any] = {}

    @with_model_options
    def verb(given: ModelOptions, more: Annotated[int, typer.Option("--more")] = 3) -> None:
        seen.update(given=given, more=more)

    app = typer.Typer()
    app.command()(verb)
    arguments = [
        "m.safetensors",
        "--core",
        "tiny-8x8",
        "--clip",
        "shil",
        "--clip",
        "field",
        "--seed",
        "5",
        "--more",
        "4",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    given = seen["given"]
    assert (given.core, given.seed, given.copies, seen["more"]) == ("tiny-8x8", 5, False, 4)
    assert given.scaling().clip == ("shil", "field")
    assert given.placing(None) == PlaceOptions("auto", 5)
    compiling = given.compiling(None)
    assert compiling.scaling == given.scaling()
    assert compiling.placing == given.placing(None)
    assert compiling.changes.copies is None
    assert not compiling.changes.of_die
    with_die = dataclasses.replace(given, die=Path("die.yaml"))
    assert with_die.compiling(None).changes.of_die
    # No limit, and nothing that JSON could not hold.
    assert parse_place_options("auto", 5, math.inf, None) == PlaceOptions("auto", 5)
    assert parse_place_options("auto", 5, 2.5, None) == PlaceOptions("auto", 5, 2.5)
    result = CliRunner().invoke(app, ["m.safetensors"])
    assert result.exit_code == 2, "a core must be given"

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from oscc.cli.evaluate import EvaluateVerbOptions, evaluate_verb
from oscc.cli.option_record import with_options
from oscc.cli.train import TrainVerbOptions, train_verb


@dataclass(frozen=True)
class Fruit:
    """Options of a verb."""

    name: Annotated[str, typer.Argument(metavar="NAME")]
    count: Annotated[int, typer.Option("-n", "--count", min=1)] = 3
    ripe: Annotated[bool, typer.Option("--ripe")] = False


@pytest.fixture
def picked() -> tuple[typer.Typer, list[Any]]:
    """A command with one verb, and what the verb was called with."""
    app, found = typer.Typer(), []

    @with_options(Fruit)
    def pick(context: typer.Context, given: Fruit) -> None:
        """Pick fruit."""
        source = context.get_parameter_source("count")
        found.append((given, None if source is None else source.name))

    app.command()(pick)
    return app, found


def test_options_come_as_one_record(picked: tuple[typer.Typer, list[Any]]) -> None:
    app, found = picked
    for arguments in (["apple"], ["pear", "-n", "3", "--ripe"]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, result.output
    assert found == [(Fruit("apple"), "DEFAULT"), (Fruit("pear", 3, ripe=True), "COMMANDLINE")]


def test_what_typer_checks_is_checked(picked: tuple[typer.Typer, list[Any]]) -> None:
    app, found = picked
    assert CliRunner().invoke(app, []).exit_code == 2, "NAME is needed"
    assert CliRunner().invoke(app, ["apple", "-n", "0"]).exit_code == 2
    assert found == []
    assert "Pick fruit." in CliRunner().invoke(app, ["--help"]).output


@pytest.mark.parametrize(("verb", "record"), [(train_verb, TrainVerbOptions), (evaluate_verb, EvaluateVerbOptions)])
def test_verbs_have_the_fields_of_their_records(verb: Any, record: type[Any]) -> None:
    parameters = [name for name in inspect.signature(verb).parameters if name != "context"]
    assert parameters == list(record.__dataclass_fields__)

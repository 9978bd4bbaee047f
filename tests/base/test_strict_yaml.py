from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from oscc.base.config import Finite, Fraction, Integer, NotNegative, Positive
from oscc.base.errors import OsccError
from oscc.base.strict_yaml import MAX_SHOWN, read_yaml


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Oven(Section):
    heat: Positive = 180.0
    level: Literal["low", "high"] = "low"


class Recipe(Section):
    """A file that has keys of every kind."""

    schema_: Literal["recipe/1"] = Field(alias="schema")
    title: Any = None
    servings: Integer = Field(default=1, ge=1)
    salt: NotNegative = 0.0
    taste: Finite = 0.0
    share: Fraction = 1.0
    times: Positive | tuple[Positive, ...] = 1.0
    label: str | tuple[tuple[Integer, Integer], ...] = "none"
    oven: Oven = Oven()
    spare: Oven | None = None

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        if self.servings == 13:
            raise ValueError("servings: thirteen is not served")
        return self


def read(content: str) -> Recipe:
    return read_yaml(content, Recipe, where="dinner.yaml", what="a recipe", code="recipe")


def written(line: str) -> Recipe:
    return read(f"schema: recipe/1\n{line}\n")


def refused(content: str) -> OsccError:
    with pytest.raises(OsccError) as caught:
        read(content)
    assert caught.value.where == "dinner.yaml"
    assert "\n" not in str(caught.value)
    return caught.value


def fault(line: str) -> str:
    """The message about a text that is good but for one line."""
    error = refused(f"schema: recipe/1\n{line}\n")
    assert error.code in ("recipe.invalid", "recipe.unknown-key")
    return error.message


def test_a_good_file() -> None:
    recipe = written("servings: 4\noven: {heat: 200, level: high}\nspare: {heat: 1}\ntimes: [1, 2.5]\nlabel: [[1, 2]]")
    assert (recipe.servings, recipe.oven, recipe.spare) == (4, Oven(heat=200, level="high"), Oven(heat=1))
    assert (recipe.times, recipe.label) == ((1.0, 2.5), ((1, 2),))
    assert written("") == written("oven: {}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("+7", 7),
        ("0", 0),
        ("1.5", 1.5),
        ("2.", 2.0),
        (".5", 0.5),
        ("-1.5e+3", -1500.0),
        ("1.5e3", 1500.0),
        (".inf", float("inf")),
        ("true", True),
        ("no", False),
        ("null", None),
        ("~", None),
        # What looks like a number in YAML 1.1, and is none to people.
        ("1:30", "1:30"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("1e3", "1e3"),
        ("'12'", "12"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_what_a_word_stands_for(text: str, value: Any) -> None:
    found = written(f"title: {text}").title
    assert found == value
    assert type(found) is type(value)


@given(st.integers(-(10**20), 10**20))
def test_whole_numbers(value: int) -> None:
    assert written(f"title: {value}").title == value


@given(st.floats(min_value=1e-30, max_value=1e30))
def test_positive_numbers_come_back_as_python_writes_them(value: float) -> None:
    assert written(f"times: {value!r}").times == value
    assert written(f"times: [{value!r}]").times == (value,)


@pytest.mark.parametrize("text", ["1e3", "1E3", "1.e3", "1e+3", "1.0e3", "1000"])
def test_an_exponent_needs_no_sign(text: str) -> None:
    for key in ("times", "salt", "taste"):
        assert getattr(written(f"{key}: {text}"), key) == 1000.0


def test_anchors_and_merged_mappings() -> None:
    recipe = written("oven: &own {heat: 5}\nspare: {<<: *own, level: high}")
    assert recipe.spare == Oven(heat=5, level="high")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("servings: 0", "servings: input should be greater than or equal to 1 (was 0)"),
        ("servings: 1.0", "servings: input should be a valid integer (was 1.0)"),
        ("servings: '1'", "servings: input should be a valid integer (was '1')"),
        ("servings: yes", "servings: input should be a valid integer (was True)"),
        ("servings: 13", "servings: thirteen is not served"),
        ("salt: -1", "salt: input should be greater than or equal to 0 (was -1)"),
        ("salt: .inf", "salt: input should be less than or equal to 1000000000000000000000000000000 (was inf)"),
        (
            "times: .inf",
            "times: input should be a finite number (was inf); times: input should be a valid tuple (was inf)",
        ),
        ("salt: .nan", "salt: input should be greater than or equal to 0 (was nan)"),
        ("salt: true", "salt: input should be a valid number (was True)"),
        ("taste: .nan", "taste: input should be greater than or equal to -1000000000000000000000000000000 (was nan)"),
        ("taste: -.inf", "taste: input should be greater than or equal to -1000000000000000000000000000000 (was -inf)"),
        ("taste: '1'", "taste: input should be a valid number (was '1')"),
        ("taste: no", "taste: input should be a valid number (was False)"),
        ("share: 1.01", "share: input should be less than or equal to 1 (was 1.01)"),
        ("share: -0.5", "share: input should be greater than or equal to 0 (was -0.5)"),
        ("oven: 5", "oven: input should be a valid dictionary or instance of Oven (was 5)"),
        ("oven: {heat: 0}", "oven.heat: input should be greater than 0 (was 0)"),
        ("oven: {level: mid}", "oven.level: input should be 'low' or 'high' (was 'mid')"),
    ],
)
def test_faults_name_key_and_value(line: str, message: str) -> None:
    assert fault(line) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("times: fast", "times: input should be a valid number (was 'fast'); times: input should be a valid tuple"),
        ("times: [1, 0]", "times: input should be a valid number (was [1, 0]); times.1: input should be greater than"),
        ("label: 5", "label: input should be a valid string (was 5); label: input should be a valid tuple (was 5)"),
        ("label: [[1]]", "label: input should be a valid string (was [[1]]); label.0.1: missing"),
        ("spare: {heat: 0}", "spare.heat: input should be greater than 0 (was 0)"),
    ],
)
def test_faults_of_a_value_that_may_be_of_several_kinds(line: str, message: str) -> None:
    found = fault(line)
    assert found.startswith(message)
    # Nothing of how the kinds are written in Python.
    for word in ("function", "tuple[", "0x", "float"):
        assert word not in found


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("serving: 2", "serving: unknown key; did you mean 'servings'?"),
        ("schema_: recipe/1", "schema_: unknown key; did you mean 'schema'?"),
        ("oven: {haet: 5}", "oven.haet: unknown key; did you mean 'heat'?"),
        ("oven: {x: 5}", "oven.x: unknown key; accepted: heat, level"),
        ("spare: {heta: 5}", "spare.heta: unknown key; did you mean 'heat'?"),
        # Keys that look like something else.
        ("oven: {str: 5}", "oven.str: unknown key; accepted: heat, level"),
        ("oven: {'heat[0]': 5}", "oven.heat[0]: unknown key; did you mean 'heat'?"),
        ("oven: {'': 5}", "oven.: unknown key; accepted: heat, level"),
    ],
)
def test_unknown_keys_get_a_suggestion(line: str, message: str) -> None:
    assert fault(line) == message
    assert refused(f"schema: recipe/1\n{line}\n").code == "recipe.unknown-key"


def test_an_unknown_key_at_the_top_that_is_called_str() -> None:
    assert fault("str: 5").startswith("str: unknown key; accepted: label, oven, salt, schema, ")


@pytest.mark.parametrize(("key", "shown"), [("1", "1"), ("null", "None"), ("1.5", "1.5")])
def test_keys_are_texts(key: str, shown: str) -> None:
    assert fault(f"{key}: 5") == f"{shown}: Keys should be strings (was {shown})"


def test_all_faults_are_told_and_each_once() -> None:
    error = refused("servings: 0\nsalt: -1\nsevings: 3\n")
    assert error.code == "recipe.unknown-key"
    assert error.message.split("; ") == [
        "schema: missing",
        "servings: input should be greater than or equal to 1 (was 0)",
        "salt: input should be greater than or equal to 0 (was -1)",
        "sevings: unknown key",
        "did you mean 'servings'?",
    ]


@pytest.mark.parametrize("content", ["", "just words", "- a\n- b\n", "5", "null"])
def test_what_is_no_mapping(content: str) -> None:
    error = refused(content)
    assert (error.code, error.message) == (
        "recipe.invalid",
        "a recipe is a mapping of keys (schema, title, servings, ...)",
    )


BOMB = "a: &a0 [1, 1]\n" + "".join(f"b{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


def test_aliases_are_read() -> None:
    recipe = written("oven: &hot {heat: 200, level: high}\nspare: *hot\ntimes: [&t 2, *t, *t]")
    assert recipe.oven == recipe.spare == Oven(heat=200, level="high")
    assert recipe.times == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1, 2\n", "line 2, column 1: not YAML"),
        ("a: 1\n  b: 2\n", "line 2, column 4: not YAML"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: not YAML"),
        ("a: *b\n", "line 1, column 4: not YAML"),
        ("a: 1\nb: \x00\n", "line 2: not YAML: character U+0000 is not allowed"),
        ("a: \ufffe\n", "line 1: not YAML: character U+FFFE is not allowed"),
        ("a: &a [1, *a]\n", "line 1, column 4: an alias of what it stands in"),
        ("a: &a {b: [*a]}\n", "line 1, column 4: an alias of what it stands in"),
        (BOMB, "line 1, column 1: aliases stand for more than 100000 values"),
        ("? [1, 2]\n: 3\n", "line 1, column 3: not YAML"),
        ("a: 1\nb: 2\na: 3\n", "line 3, column 1: key 'a' stands here a second time"),
        ("a: {b: 1, b: 2}\n", "line 1, column 11: key 'b' stands here a second time"),
        ("a: !!int 5\n", "line 1, column 4: tags are not used here"),
        ("a: !own {}\n", "line 1, column 4: tags are not used here"),
        ("!!python/object/apply:os.getcwd []\n", "line 1, column 1: tags are not used here"),
        ("a: " + "[" * 3000, "nested too deeply to be a recipe"),
        ("a: " + "9" * 6000, "an integer in it has too many digits"),
    ],
)
def test_what_is_no_yaml_or_more_than_is_needed(content: str, message: str) -> None:
    error = refused(content)
    assert (error.code, error.message) == ("recipe.yaml", message)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ('"a\\nb": 1', "a\\nb: unknown key"),
        ("schema: recipe/1\n\ufeffoven: 1", "\\ufeffoven: unknown key; did you mean 'oven'?"),
        ("salt: '\u202e'", "(was '\\u202e')"),
        ('"\\e": 1\n"\\e": 2', "key '\\x1b' stands here a second time"),
    ],
)
def test_what_cannot_be_printed_is_escaped(content: str, shown: str) -> None:
    assert shown in refused(content).message


def test_a_tag_that_says_nothing_is_taken() -> None:
    assert written("title: ! word").title == "word"


@pytest.mark.parametrize("value", ["-" + "9" * 4000, '"' + "x" * 9000 + '"', "[" + "1, " * 3000 + "1]"])
def test_long_values_are_cut(value: str) -> None:
    message = fault(f"servings: {value}")
    assert message.endswith("...)")
    assert len(message) < MAX_SHOWN + 70

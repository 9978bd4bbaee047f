from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.base.errors import OsccError
from oscc.core.spec_file import dump_core, load_core, parse_core, preset_names

PRESETS = {
    # name: (grid, stencil offsets, every cell readable)
    "ais-56x56": ((56, 56), 24, False),
    "ais-56x56-diamond": ((56, 56), 24, False),
    "ais-28x28": ((28, 28), 24, True),
    "driven-16x16": ((16, 16), 24, False),
    "driven-16x16-full": ((16, 16), 24, True),
    "driven-56x56": ((56, 56), 24, False),
    "driven-8x8": ((8, 8), 8, True),
    "ising-56x56": ((56, 56), 24, True),
    "king-48x41": ((48, 41), 8, True),
    "tiny-8x8": ((8, 8), 24, False),
}


def _described(**changes: Any) -> dict[str, Any]:
    dac = {"bits": 4, "full_scale_rad_s": 1e6}
    base: dict[str, Any] = {
        "schema": "oscc.core/1",
        "name": "mine",
        "grid": [8, 8],
        "stencil": "box-2",
        "chunks": 2,
        **{f"{group}_dac": dict(dac) for group in ("coupling", "shil", "field", "detuning")},
    }
    return {**base, **changes}


def _refused(content: str) -> OsccError:
    with pytest.raises(OsccError) as caught:
        parse_core(content, where="mine.yaml")
    assert caught.value.where == "mine.yaml"
    assert "\n" not in str(caught.value)
    return caught.value


def test_presets_are_those_of_the_manual() -> None:
    assert preset_names() == sorted(PRESETS)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_preset_is_what_its_name_says(name: str) -> None:
    grid, offsets, all_readable = PRESETS[name]
    core = load_core(name)
    assert core.name == name
    assert core.grid == grid
    assert len(core.model_stencil) == offsets
    assert (core.frame_shape == grid) is all_readable
    assert core.chunks == (2 if name == "driven-8x8" else 4)
    assert core.driven == name.startswith("driven")
    assert core.tracks_per_boundary == core.unit_stencil.peak_wires()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_dump_is_read_back_to_an_equal_core(name: str) -> None:
    core = load_core(name)
    again = parse_core(dump_core(core), where="dump")
    assert again == core
    assert again == core


def test_dump_writes_every_default_out() -> None:
    text = dump_core(parse_core(yaml.safe_dump(_described()), where="x"))
    assert "protection: secded" in text
    assert "tracks_per_boundary: 30" in text


def test_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(_described()))
    assert load_core(path).name == "mine"
    assert load_core(str(path)).chunks == 2


def test_number_in_exponent_notation_without_sign_is_a_number() -> None:
    # YAML 1.1 reads 1.8e6 as text; people write it all the same.
    text = yaml.safe_dump(_described()).replace("full_scale_rad_s: 1000000.0", "full_scale_rad_s: 1.8e6")
    assert parse_core(text, where="x").coupling_dac.full_scale_rad_s == 1.8e6


def test_unknown_preset_gets_a_suggestion() -> None:
    with pytest.raises(OsccError) as caught:
        load_core("ais-56x65")
    assert caught.value.code == "spec.not-found"
    assert str(caught.value) == "--core: 'ais-56x65' is neither a preset nor a file; did you mean 'ais-56x56'?"


def test_missing_file_names_the_presets(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        load_core(tmp_path / "no.yaml")
    assert caught.value.code == "spec.not-found"
    assert caught.value.message == "cannot be read: No such file or directory"
    assert caught.value.hint == f"presets: {', '.join(sorted(PRESETS))}"


def test_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="a folder, not the spec of a core\npresets: "):
        load_core(tmp_path)


def test_binary_file_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "core.yaml"
    path.write_bytes(b"name: \xff\xfe\x00\x80")
    with pytest.raises(OsccError, match=r"cannot be read: not a text file \(byte 6, 0xff, is not UTF-8\)"):
        load_core(path)


def test_broken_yaml_names_line_and_column() -> None:
    error = _refused("schema: oscc.core/1\nname: [unclosed\n")
    assert error.code == "spec.yaml"
    assert re.fullmatch(r"line \d+, column \d+: not YAML", error.message)


def test_yaml_tag_that_would_run_code_is_refused() -> None:
    error = _refused("!!python/object/apply:os.getcwd []\n")
    assert error.code == "spec.yaml"


@pytest.mark.parametrize("text", ["", "just text", "- a\n- list\n"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert _refused(text).message.startswith("a core is a mapping of keys")


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"chunk": 3}, "spec.unknown-key", "chunk: unknown key; did you mean 'chunks'?"),
        ({"readout": {"tap": 8}}, "spec.unknown-key", "readout.tap: unknown key; did you mean 'taps'?"),
        (
            {"coupling_dac": {"bits": 4, "full_scale_rad_s": 1e6, "fullscale": 1}},
            "spec.unknown-key",
            "coupling_dac.fullscale: unknown key; did you mean 'full_scale_rad_s'?",
        ),
        ({"schema_": "oscc.core/1"}, "spec.unknown-key", "schema_: unknown key; did you mean 'schema'?"),
        ({"grid": [-8, 8]}, "spec.invalid", "grid.0: Input should be greater than or equal to 1 (was -8)"),
        ({"schema": "oscc.core/2"}, "spec.invalid", "schema: input should be 'oscc.core/1' (was 'oscc.core/2')"),
        ({"stencil": "box2"}, "spec.invalid", "stencil: 'box2' is not a stencil; did you mean 'box-2'?"),
        ({"stencil": 5}, "spec.invalid", "stencil: "),
        ({"cycles_per_sample": 70}, "spec.invalid", "cycles_per_sample: 70 cannot hold init (64)"),
    ],
)
def test_faults_name_key_value_and_what_would_do(changes: dict[str, Any], code: str, message: str) -> None:
    error = _refused(yaml.safe_dump(_described(**changes)))
    assert error.code == code
    assert message.lower() in error.message.lower()


def test_bits_out_of_range_name_the_value() -> None:
    error = _refused(yaml.safe_dump(_described(shil_dac={"bits": 9, "full_scale_rad_s": 1e6})))
    assert error.message == "shil_dac.bits: input should be less than or equal to 8 (was 9)"


def test_missing_keys_are_all_named() -> None:
    described = _described()
    del described["grid"], described["shil_dac"]
    error = _refused(yaml.safe_dump(described))
    assert "grid: missing" in error.message
    assert "shil_dac: missing" in error.message


def _written(line: str) -> str:
    """A good core as text, one line replaced by key."""
    described = _described()
    described.pop(line.partition(":")[0], None)
    return f"{yaml.safe_dump(described)}{line}\n"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("grid: ['8', 8]", "grid.0: input should be a valid integer (was '8')"),
        ("grid: [true, 8]", "grid.0: input should be a valid integer (was True)"),
        ("grid: [8.0, 8]", "grid.0: input should be a valid integer (was 8.0)"),
        ("grid: [010, 8]", "grid.0: input should be a valid integer (was '010')"),
        ("stencil: [[true, 0]]", "stencil.0.0: input should be a valid integer (was True)"),
        ("stencil: [[1.0, 0]]", "stencil.0.0: input should be a valid integer (was 1.0)"),
        ("stencil: [['1', 0]]", "stencil.0.0: input should be a valid integer (was '1')"),
        ("chunks: yes", "chunks: input should be a valid integer (was True)"),
        ("cycles_per_sample: 1e3", "cycles_per_sample: input should be a valid integer (was '1e3')"),
        ("init: {cycles: 64.0}", "init.cycles: input should be a valid integer (was 64.0)"),
        ("readout: {step: [true, 1]}", "readout.step.0: input should be a valid integer (was True)"),
        ("defects: {cells: [[true, 1]]}", "defects.cells.0.0: input should be a valid integer (was True)"),
        ("clock_hz: 1:30", "clock_hz: input should be a valid number (was '1:30')"),
        ("clock_hz: '100'", "clock_hz: input should be a valid number (was '100')"),
        ("clock_hz: true", "clock_hz: input should be a valid number (was True)"),
        ("clock_hz: 2020-13-45", "clock_hz: input should be a valid number (was '2020-13-45')"),
        ("clock_hz: .nan", "clock_hz: input should be greater than 0 (was nan)"),
        ("clock_hz: 1.0e+308", "clock_hz: 1e+308 is not between 1e-30 and 1e30"),
        ("stream_width: '64'", "stream_width: "),
        ("stream_width: 64.0", "stream_width: "),
    ],
)
def test_types_are_strict(line: str, key: str) -> None:
    error = _refused(_written(line))
    assert error.code == "spec.invalid"
    assert key in error.message.split("; ")[-1]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.8e6", 1.8e6), ("1e6", 1e6), ("1.8e+6", 1.8e6), ("100", 100.0), ("1.5e-3", 1.5e-3), ("2.", 2.0), (".5", 0.5)],
)
def test_ways_to_write_a_number(text: str, value: float) -> None:
    assert parse_core(_written(f"clock_hz: {text}"), where="x").clock_hz == value


def test_keys_that_stand_twice_are_refused_with_their_line() -> None:
    error = _refused("schema: oscc.core/1\nname: a\nname: b\n")
    assert (error.code, error.message) == ("spec.yaml", "line 3, column 1: key 'name' stands here a second time")
    error = _refused("readout: {taps: 8, step: [1, 1], taps: 4}\n")
    assert error.message == "line 1, column 34: key 'taps' stands here a second time"


def test_a_stencil_that_is_refused_says_nothing_about_tracks() -> None:
    error = _refused(_written("stencil: [[1.0, 0]]"))
    assert "tracks" not in error.message
    assert _refused(_written("tracks_per_boundary: null")).message.startswith("tracks_per_boundary: input should be")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 3000, "nested too deeply to be a core"),
        (f"chunks: {'9' * 5000}", "an integer in it has too many digits"),
        ("clock_hz: !!timestamp 2020-13-45", "line 1, column 11: tags are not used here"),
        ("chunks: !!int many", "line 1, column 9: tags are not used here"),
        ("chunks: !!bool x", "line 1, column 9: tags are not used here"),
        ("!!set {a}", "line 1, column 1: tags are not used here"),
    ],
)
def test_what_python_cannot_convert_is_one_line(content: str, message: str) -> None:
    error = _refused(content)
    assert (error.code, error.message) == ("spec.yaml", message)


@pytest.mark.parametrize("value", ["9" * 4000, "[" * 80 + "]" * 80, '"' + "x" * 9000 + '"'])
def test_long_values_are_cut_in_messages(value: str) -> None:
    for key in ("chunks", "clock_hz"):
        assert len(_refused(_written(f"{key}: {value}")).message) < 200


def test_a_list_that_contains_itself_is_refused() -> None:
    error = _refused(_written("grid: &a [*a, 8]"))
    assert error.code == "spec.yaml"
    assert error.message.endswith("an alias of what it stands in")

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.compiler.errors import OsccError
from oscc.compiler.spec_file import dump_core, load_core, parse_core, preset_names

PRESETS = {
    # name: (grid, stencil offsets, every cell readable)
    "ais-56x56": ((56, 56), 24, False),
    "ais-56x56-diamond": ((56, 56), 24, False),
    "ais-28x28": ((28, 28), 24, True),
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
    assert core.chunks == 4
    assert core.tracks_per_boundary == core.unit_stencil.peak_wires()


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_dump_is_read_back_to_an_equal_core(name: str) -> None:
    core = load_core(name)
    again = parse_core(dump_core(core), where="dump")
    assert again == core
    assert again.hash == core.hash


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
    with pytest.raises(OsccError, match="cannot be read: Is a directory"):
        load_core(tmp_path)


def test_binary_file_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "core.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(OsccError, match="cannot be read: not a text file"):
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

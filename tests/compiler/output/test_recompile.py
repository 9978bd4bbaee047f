from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import OutputFolder, read_output_folder
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.compiler.output.recompile import recompile
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.program_file import encode_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

OPTIONS: dict[str, dict[str, Any]] = {
    "default": {"tau": "common", "tau_s": None, "clip": []},
    "per chunk": {"tau": "per-chunk", "tau_s": None, "clip": []},
    "given": {"tau": "common", "tau_s": 1e-6, "clip": []},
    "clipped": {"tau": "common", "tau_s": 4e-7, "clip": ["coupling", "shil", "field", "detuning"]},
}


@pytest.fixture
def write(tiny_model: Path, tiny_core: CoreSpec, tmp_path: Path) -> Callable[[dict[str, Any]], OutputFolder]:
    """``write(options)``: the output folder of the tiny model, compiled with options as a manifest records them."""

    def written(options: dict[str, Any]) -> OutputFolder:
        scale = ScaleOptions(options["tau"] == "per-chunk", tuple(options["clip"]), options["tau_s"])
        model = ModelFile.read(tiny_model)
        result = compile_model(model.graph, tiny_core, scale)
        assert result.feasible
        write_output(tmp_path / "out", result, Receipt(model, options))
        return read_output_folder(tmp_path / "out")

    return written


def change_manifest(folder: OutputFolder, change: Callable[[dict[str, Any]], None]) -> OutputFolder:
    manifest = json.loads((folder.path / "manifest.json").read_text())
    change(manifest)
    (folder.path / "manifest.json").write_text(json.dumps(manifest))
    return read_output_folder(folder.path)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_same_program_comes_out(name: str, write: Callable[..., OutputFolder]) -> None:
    folder = write(OPTIONS[name])
    result = recompile(folder)
    assert result.program is not None
    assert encode_program(result.program) == folder.program.read_bytes()
    assert result.summary() == folder.manifest["summary"]


def test_options_change_the_program(write: Callable[..., OutputFolder]) -> None:
    contents = {name: write(options).program.read_bytes() for name, options in OPTIONS.items()}
    assert len(set(contents.values())) == len(OPTIONS)


def test_program_bin_is_not_looked_at(write: Callable[..., OutputFolder]) -> None:
    folder = write(OPTIONS["default"])
    content = folder.program.read_bytes()
    folder.program.unlink()
    result = recompile(folder)
    assert result.program is not None
    assert encode_program(result.program) == content


def test_the_core_of_the_folder_is_used(write: Callable[..., OutputFolder], make_core: Callable[..., CoreSpec]) -> None:
    folder = write(OPTIONS["default"])
    folder.core.write_text(dump_core(make_core(coupling_dac={"bits": 6})))
    result = recompile(folder)
    assert result.core.coupling_dac.bits == 6
    assert result.coded is not None
    assert abs(result.coded.codes.coupling).max() > 7


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda manifest: manifest.pop("inputs"), "inputs: field required"),
        (lambda manifest: manifest["inputs"].pop("options"), "inputs.options: field required"),
        (lambda manifest: manifest["inputs"]["options"].pop("tau_s"), "does not say how it was compiled"),
        (lambda manifest: manifest["inputs"]["options"].update(clip=7), "does not say how it was compiled"),
        (lambda manifest: manifest["inputs"]["options"].update(tau_s="soon"), "does not say how it was compiled"),
        (lambda manifest: manifest["inputs"]["options"].update(place_seed=-1), "does not say how it was compiled"),
        (lambda manifest: manifest["inputs"]["options"].update(place_seed="x"), "does not say how it was compiled"),
        (lambda manifest: manifest.update(inputs=[]), "inputs: input should be a valid dictionary"),
    ],
    ids=["no inputs", "no options", "no tau_s", "clip", "tau_s", "seed", "seed is text", "list"],
)
def test_a_manifest_without_options_is_refused(write: Callable[..., OutputFolder], damage: Any, fault: str) -> None:
    folder = write(OPTIONS["default"])
    with pytest.raises(OsccError) as caught:
        recompile(change_manifest(folder, damage))
    assert caught.value.code == "output.manifest"
    assert str(caught.value).startswith(f"{folder.path}: ")
    assert fault in str(caught.value)


def test_a_group_that_does_not_exist_is_named(write: Callable[..., OutputFolder]) -> None:
    folder = change_manifest(
        write(OPTIONS["default"]), lambda manifest: manifest["inputs"]["options"].update(clip=["shill"])
    )
    with pytest.raises(OsccError, match=r"'shill' is not a DAC group; did you mean 'shil'\?"):
        recompile(folder)


def test_a_model_that_no_longer_fits_is_refused(
    write: Callable[..., OutputFolder], make_core: Callable[..., CoreSpec]
) -> None:
    folder = write(OPTIONS["default"])
    folder.core.write_text(dump_core(make_core(chunks=1)))
    with pytest.raises(OsccError) as caught:
        recompile(folder)
    assert caught.value.code == "output.infeasible"
    assert str(caught.value) == f"{folder.path}: the model in it does not fit the core in it"


def test_a_missing_model_is_an_error(write: Callable[..., OutputFolder]) -> None:
    folder = write(OPTIONS["default"])
    folder.model.unlink()
    with pytest.raises(OsccError) as caught:
        recompile(folder)
    assert caught.value.where == str(folder.model)

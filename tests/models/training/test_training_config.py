from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from oscc.base.errors import OsccError
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import dump_core, load_core
from oscc.models.training.training_config import load_training, parse_training


@pytest.fixture
def refused(points_text):
    """The error on parsing a changed training on points; one line, naming the text."""

    def change(**changes):
        with pytest.raises(OsccError) as caught:
            parse_training(points_text(**changes), where="mine.yaml")
        assert caught.value.where == "mine.yaml"
        assert "\n" not in str(caught.value)
        return caught.value

    return change


EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "training"

CORE: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


def test_what_is_written_is_what_is_read(points_config):
    config = points_config()
    assert (config.name, config.seed, config.data.name, config.data.has_points) == ("points", 3, "two-moons", True)
    assert config.model.grid == (3, 4)
    assert config.model.chunk_duration == (0.5, 0.8)
    assert config.family.name == "kurashil"
    assert config.loss.kind == "sliced-wasserstein"
    assert config.schedule.iterations == 6
    assert (config.core, config.quantizes, config.dac_grid()) == (None, False, None)


def test_defaults_are_those_of_the_manual():
    config = parse_training(
        "schema: oscc.train/1\nname: a\ndata: {name: digits}\nmodel: {grid: [8, 8], stencil: king}\n", where="x"
    )
    model, schedule = config.model, config.schedule
    assert (model.family, model.chunks, model.chunk_duration) == ("kurashil", 4, (2.0,) * 4)
    assert (model.couplings, model.origin, model.step, model.start) == ("directed", (0, 0), (1, 1), None)
    assert (config.solver.integrator, config.solver.step) == ("rk4", 0.1)
    assert (config.loss.kind, config.loss.gradient_penalty, config.loss.critic_steps) == ("wgan-gp", 10.0, 1)
    assert (schedule.iterations, schedule.batch, schedule.rate, schedule.average) == (1000, 48, 5e-3, 0.998)
    assert (config.hardware.core, config.hardware.bound, config.hardware.clip) == (None, 2.0, 1.0)


def test_configuration_cannot_be_changed(points_config):
    with pytest.raises(ValidationError, match="frozen"):
        points_config().seed = 4


def test_model_is_the_grid_that_is_described(points_config):
    graph = points_config(model={"init": {"kind": "uniform", "mean": -0.5, "std": 2}, "family": "tanh_ising"}).graph()
    assert (graph.name, graph.family, graph.nodes) == ("points", "tanh_ising", 12)
    # A 3 x 4 grid has 12 cells with 3, 5 or 8 neighbours: 4 corners, 6 at the border, 2 within.
    assert graph.couplings == 4 * 3 + 6 * 5 + 2 * 8
    assert (graph.image_shape, graph.readout.tolist()) == ((1, 2), [0, 2])
    assert graph.chunk_duration.tolist() == [0.5, np.float32(0.8)]
    assert graph.init == InitialPhases("uniform", -0.5, 2.0)


def test_stencil_may_be_a_list(points_config):
    graph = points_config(model={"stencil": [[0, 1], [0, -1]]}).graph()
    assert graph.couplings == 3 * 3 * 2


def test_a_core_gives_grid_stencil_and_readout(images_config):
    config = images_config(model={"grid": None, "stencil": None, "step": None}, hardware={"core": "tiny-8x8"})
    graph = config.graph()
    core = load_core("tiny-8x8")
    assert config.core == core
    assert (graph.nodes, graph.image_shape) == (64, (4, 4))
    assert graph.readout.tolist() == [8 * row + col for row in (0, 2, 4, 6) for col in (0, 2, 4, 6)]
    assert graph.couplings == sum(
        (0 <= row + drow < 8) and (0 <= col + dcol < 8)
        for row in range(8)
        for col in range(8)
        for drow, dcol in core.model_stencil.offsets
    )
    assert config.quantizes
    grid = config.dac_grid()
    assert grid is not None
    # 936 cycles shared out by 0.5 and 0.8, which as float32 is a little more than 0.8.
    assert grid.run_cycles.tolist() == [359, 576]


@pytest.mark.parametrize(("bits", "width", "quantizes"), [(None, 4, True), (6, 6, True), (2, 2, True), (0, 4, False)])
def test_bits_replace_those_of_the_coupling_dacs(points_config, bits, width, quantizes):
    hardware = {"core": "tiny-8x8"} | ({} if bits is None else {"bits": bits})
    config = points_config(**{**CORE, "hardware": hardware})
    assert config.core is not None
    assert config.core.coupling_dac.bits == width
    assert config.core.field_dac.bits == 4
    assert config.core.coupling_dac.full_scale_rad_s == 1.8e6
    assert config.quantizes is quantizes


def test_core_may_be_a_file(points_config, make_core, tmp_path):
    (tmp_path / "mine.yaml").write_text(dump_core(make_core(name="mine", grid=[5, 6])))
    config = points_config(**{**CORE, "hardware": {"core": str(tmp_path / "mine.yaml")}})
    assert config.graph().nodes == 30


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"schedul": {"batch": 3}}, "unknown-key", "schedul: unknown key; did you mean 'schedule'?"),
        ({"loss": {"projection": 3}}, "unknown-key", "loss.projection: unknown key; did you mean 'projections'?"),
        ({"model": {"init": {"sdt": 1}}}, "unknown-key", "model.init.sdt: unknown key; did you mean 'std'?"),
        ({"data": {"split": "x"}}, "unknown-key", "data.split: unknown key; accepted: folder, name"),
        ({"name": None}, "invalid", "name: missing"),
        ({"data": None}, "invalid", "data: missing"),
        ({"schema": None}, "invalid", "schema: missing"),
        ({"schema": "oscc.train/2"}, "invalid", "schema: input should be 'oscc.train/1' (was 'oscc.train/2')"),
        ({"name": ""}, "invalid", "name: String should have at least 1 character (was '')"),
        ({"name": " "}, "invalid", "name: ' ', expected a line of text"),
        ({"name": "a\nb"}, "invalid", "name: 'a\\nb', expected a line of text"),
        ({"seed": -1}, "invalid", "seed: input should be greater than or equal to 0 (was -1)"),
        ({"seed": 2**32}, "invalid", "seed: input should be less than 4294967296 (was 4294967296)"),
        ({"data": {"name": "two-mons"}}, "invalid", "data.name: 'two-mons' is no data set; accepted: digits, mnist"),
        ({"data": "mnist"}, "invalid", "data: input should be a valid dictionary"),
        (
            {"loss": {"kind": "wgan-gp"}},
            "invalid",
            "loss.kind: 'wgan-gp' does not go with data 'two-moons'; use sliced-wasserstein or flow-matching",
        ),
        (
            {"loss": {"kind": "flow-matching"}, "data": {"name": "digits"}},
            "invalid",
            "loss.kind: 'flow-matching' does not go with data 'digits'; use wgan-gp",
        ),
        (
            {"loss": {"features": 1.0}},
            "invalid",
            "loss.features: goes with images, 'two-moons' are points",
        ),
        (
            {"loss": {"kind": "wgan-gp", "critic_pack": 3}, "data": {"name": "digits"}},
            "invalid",
            "loss.critic_pack: 3 images do not divide schedule.batch, 8",
        ),
        ({"hardware": {"cycles": 200}}, "invalid", "hardware: bits, cycles and readout need a core"),
        ({"data": {"pool": 2}}, "invalid", "data.pool: 2 goes with images, 'two-moons' are points"),
        ({"data": {"pool": 0}}, "invalid", "data.pool: input should be greater than or equal to 1 (was 0)"),
        ({"model": {"family": "kurashill"}}, "invalid", "model.family: 'kurashill' is not a family; did you mean"),
        ({"model": {"chunks": 9}}, "invalid", "model.chunks: input should be less than or equal to 8 (was 9)"),
        ({"model": {"chunks": 0}}, "invalid", "model.chunks: input should be greater than or equal to 1 (was 0)"),
        ({"model": {"weight_mean": [0.5] * 3}}, "invalid", "model: weight_mean: 3 numbers for 2 chunks"),
        ({"model": {"duration": [0.5]}}, "invalid", "model: duration: 1 numbers for 2 chunks"),
        (
            {"model": {"duration": "fast"}},
            "invalid",
            "model.duration: input should be a valid number (was 'fast'); model.duration: input should be a valid tupl",
        ),
        (
            {"model": {"duration": [1, 0]}},
            "invalid",
            "model.duration: input should be a valid number (was [1, 0]); "
            "model.duration.1: input should be greater than 0 (was 0)",
        ),
        (
            {"model": {"grid": None}},
            "invalid",
            "model: grid and stencil are needed where hardware.core does not give them",
        ),
        (
            {"model": {"stencil": None}},
            "invalid",
            "model: grid and stencil are needed where hardware.core does not give them",
        ),
        ({"model": {"grid": [3]}}, "invalid", "model.grid.1: missing"),
        ({"model": {"grid": [0, 4]}}, "invalid", "model: grid [0, 4] has no cells"),
        ({"model": {"origin": [-1, 0]}}, "invalid", "model: origin [-1, 0] and step [3, 2]: at least 0 and 1"),
        ({"model": {"step": [0, 1]}}, "invalid", "model: origin [0, 0] and step [0, 1]: at least 0 and 1"),
        (
            {"model": {"stencil": 5}},
            "invalid",
            "model.stencil: input should be a valid string (was 5); model.stencil: input should be a valid tuple (was",
        ),
        ({"model": {"init": {"mean": True}}}, "invalid", "model.init.mean: input should be a valid number (was True)"),
        ({"model": {"init": {"std": 0}}}, "invalid", "model.init.std: input should be greater than 0 (was 0)"),
        ({"model": {"weight_std": -1}}, "invalid", "model.weight_std: input should be greater than or equal to 0"),
        ({"model": {"couplings": "mutual"}}, "invalid", "model.couplings: input should be 'directed' or 'reciprocal'"),
        ({"hardware": {"bits": 4}}, "invalid", "hardware: bits, cycles and readout need a core"),
        ({"hardware": {"readout": True}}, "invalid", "hardware: bits, cycles and readout need a core"),
        (
            {"hardware": {"core": "tiny-8x8"}},
            "invalid",
            "model: grid and stencil are those of hardware.core; leave them out",
        ),
        (
            {"hardware": {"bits": 1}},
            "invalid",
            "hardware.bits: a code has 2 to 8 bits, and 0 stands for no quantization",
        ),
        ({"hardware": {"bits": 9}}, "invalid", "hardware.bits: input should be less than or equal to 8 (was 9)"),
        ({"hardware": {"clip": 1.5}}, "invalid", "hardware.clip: input should be less than or equal to 1 (was 1.5)"),
        (
            {"hardware": {"mismatch": float("nan")}},
            "invalid",
            "hardware.mismatch: input should be greater than or equal to 0 (was nan)",
        ),
        ({"hardware": {"bound": float("inf")}}, "invalid", "hardware.bound: input should be a finite number (was inf)"),
        (
            {"solver": {"integrator": "rk5"}},
            "invalid",
            "solver.integrator: 'rk5' is not an integrator; accepted: euler, heun, rk4",
        ),
        ({"solver": {"step": 0}}, "invalid", "solver.step: input should be greater than 0 (was 0)"),
        (
            {"schedule": {"iterations": 1.5}},
            "invalid",
            "schedule.iterations: input should be a valid integer (was 1.5)",
        ),
        ({"schedule": {"batch": "8"}}, "invalid", "schedule.batch: input should be a valid integer (was '8')"),
        ({"schedule": {"save_every": 0}}, "invalid", "schedule.save_every: input should be greater than or equal to 1"),
    ],
)
def test_faults_name_key_value_and_what_would_do(refused, changes, code, message):
    error = refused(**changes)
    assert error.code == f"training.{code}"
    assert error.message.startswith(message)


def test_all_faults_are_told_at_once(refused):
    error = refused(seed=-1, schedule={"batch": 0, "bathc": 3})
    assert error.code == "training.unknown-key"
    assert [part.partition(":")[0] for part in error.message.split("; ")] == [
        "seed",
        "schedule.batch",
        "schedule.bathc",
        "did you mean 'batch'?",
    ]


def test_numbers_may_have_exponents_without_sign(points_text):
    text = points_text().replace("projections: 8", "projections: 8\n  sensitivity: 1e-2")
    assert parse_training(text, where="x").loss.sensitivity == 0.01


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ("name: [unclosed\n", "yaml", "line 2, column 1: not YAML"),
        ("name: a\nname: b\n", "yaml", "line 2, column 1: key 'name' stands here a second time"),
        ("", "invalid", "a training is a mapping of keys (schema, name, seed, ...)"),
        ("- a\n", "invalid", "a training is a mapping of keys (schema, name, seed, ...)"),
    ],
)
def test_what_is_no_configuration(content, code, message, tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(content)
    with pytest.raises(OsccError) as caught:
        load_training(path)
    assert (caught.value.code, caught.value.message) == (f"training.{code}", message)
    assert caught.value.where == str(path)


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    for name, reason in (
        ("no", "No such file or directory"),
        ("binary", "UTF-16, as its first bytes say; expected UTF-8"),
    ):
        with pytest.raises(OsccError) as caught:
            load_training(tmp_path / name)
        assert (caught.value.code, caught.value.message) == ("training.read", f"cannot be read: {reason}")
        assert caught.value.where == str(tmp_path / name)


def test_what_is_plainly_something_else(tmp_path):
    (tmp_path / "core.yaml").write_text("schema: oscc.core/1\n")
    for name, kind, hint in (
        (".", "a folder", ""),
        ("core.yaml", "the spec of a core", f"it is taken by: --core {tmp_path / 'core.yaml'}"),
    ):
        with pytest.raises(OsccError) as caught:
            load_training(tmp_path / name)
        assert (caught.value.code, caught.value.message) == ("path.kind", f"{kind}, not a training configuration")
        assert caught.value.hint == hint


def test_files_are_read(points_text, points_config, tmp_path):
    (tmp_path / "train.yaml").write_text(points_text())
    assert load_training(tmp_path / "train.yaml") == points_config()


@pytest.mark.parametrize(
    ("changes", "code", "where", "message"),
    [
        ({"model": {"stencil": "box1"}}, "training.model", "model.stencil", "'box1' is not a stencil; did you mean 'b"),
        (
            {"model": {"stencil": [[0, 0]]}},
            "training.model",
            "model.stencil",
            "offset [0, 0] would couple a cell to itself",
        ),
        (
            {"model": {"stencil": [[0, 1]], "couplings": "reciprocal"}},
            "training.model",
            "model.couplings",
            "reciprocal couplings need a symmetric stencil (every offset with its opposite)",
        ),
        ({**CORE, "hardware": {"core": "tiny-8x9"}}, "spec.not-found", "--core", "'tiny-8x9' is neither a preset nor"),
    ],
)
def test_models_that_cannot_be(points_config, changes, code, where, message):
    config = points_config(**changes)
    with pytest.raises(OsccError) as caught:
        config.graph()
    assert (caught.value.code, caught.value.where) == (code, where)
    assert caught.value.message.startswith(message)


def test_more_chunks_than_the_core_holds(points_config):
    changes = {**CORE, "model": {**CORE["model"], "chunks": 5, "duration": 1}}
    with pytest.raises(OsccError) as caught:
        points_config(**changes).dac_grid()
    assert (caught.value.code, str(caught.value)) == (
        "training.chunks",
        "model.chunks: the model has 5 chunks, core tiny-8x8 holds 4",
    )


def test_the_configuration_in_the_package_is_good():
    text = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text()
    config = parse_training(text, where="quick")
    assert config.data.name == "digits"
    assert config.graph().image_shape == (8, 8)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_examples_are_trainings_for_their_cores(path):
    config = load_training(path)
    grid = config.dac_grid()
    assert grid is not None
    assert grid.core.init.cycles + int(grid.run_cycles.sum()) <= grid.core.cycles_per_sample
    assert config.graph().image_shape == (28, 28)

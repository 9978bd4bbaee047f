"""What a manifest must hold, checked before anything in it is used."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MANIFEST = "manifest.json"
"""Name of the file that makes a folder one of oscc."""

SCHEMA = "oscc.output/1"
"""Content of key ``schema`` of a manifest."""


class _Part(BaseModel):
    # What another version wrote besides is none of this one's business.
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


class _File(_Part):
    sha256: str
    bytes: int


class _ModelInput(_Part):
    file: str
    sha256: str


class _CoreInput(_Part):
    name: str
    sha256: str
    spec_hash: str


class _ProblemInput(_Part):
    file: str
    frontend: str


class _Inputs(_Part):
    model: _ModelInput
    core: _CoreInput
    options: dict[str, Any]
    problem: _ProblemInput | None = None
    changes: dict[str, Any] | None = None


class _Finding(_Part):
    code: str
    message: str
    fix: str
    witness: dict[str, Any]
    proof: bool
    count: int = Field(default=1, ge=1)
    consequences: dict[str, int] = {}
    examples: list[_Finding] = []
    nodes: dict[str, str] = {}


class _Offers(_Part):
    cells: int
    readable_cells: int
    chunks: int


class _Warning(_Part):
    code: str
    message: str
    advice: str
    numbers: dict[str, Any]


class _CodeUse(_Part):
    groups: dict[str, dict[str, Any]]


class _Summary(_Part):
    feasible: bool
    model: str
    family: str
    core: str
    nodes: int
    couplings: int
    max_degree: int
    chunks: int
    weight_bits: int
    cycles_per_sample: int | None = None
    read_out: int | None = None
    offers: _Offers | None = None
    findings: list[_Finding]
    # Folders of the first release have neither.
    warnings: list[_Warning] = []
    code_use: _CodeUse | None = None


class _Tool(_Part):
    name: str
    version: str


class _AnyInputs(_Part):
    problem: _ProblemInput | None = None


class _AnyManifest(_Part):
    schema_: Literal["oscc.output/1"] = Field(alias="schema")
    inputs: _AnyInputs = _AnyInputs()
    outputs: dict[str, _File]


class _CompiledManifest(_Part):
    schema_: Literal["oscc.output/1"] = Field(alias="schema")
    tool: _Tool
    inputs: _Inputs
    outputs: dict[str, _File]
    summary: _Summary


def manifest_fault(manifest: dict[str, Any]) -> str:
    """Return what is wrong with a manifest, as ``key: fault``; empty when nothing is.

    Parameters
    ----------
    manifest : dict
        One with a ``summary`` is of a compilation, and must say all that others read of it; one without is of emitted
        or synthesized files.
    """
    kind = _CompiledManifest if "summary" in manifest else _AnyManifest
    try:
        kind.model_validate(manifest)
    except ValidationError as error:
        fault = error.errors()[0]
        # Pydantic names its classes, which say nothing to anybody else.
        said = re.sub(r" or instance of \w+", "", fault["msg"].lower())
        return f"{'.'.join(map(str, fault['loc']))}: {said}"
    return ""

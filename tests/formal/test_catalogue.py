from __future__ import annotations

import re
from pathlib import Path

import pytest

import formal.catalogue
from formal.catalogue import PROOFS
from formal.proof import Proof
from formal.runner import built, runs_of
from formal.seeded_bug import mutated_source, source_of


def test_names_are_unique_and_fit_for_folders() -> None:
    names = [proof.name for proof in PROOFS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) for name in names)


def test_every_file_of_proofs_is_listed() -> None:
    files = {path.stem for path in (Path(formal.catalogue.__file__).parent / "proofs").glob("*.py")}
    source = Path(formal.catalogue.__file__).read_text()
    assert {name for name in files if f"*{name}.PROOFS" not in source} == set()


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_no_seeded_bug_is_stale(proof: Proof) -> None:
    assert proof.mutants, "a proof without a seeded bug shows nothing"
    names = [mutant.name for mutant in proof.mutants]
    assert len(set(names)) == len(names)
    for mutant in proof.mutants:
        assert mutated_source(mutant, source_of(mutant)) != source_of(mutant)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_every_design_holds_properties_and_every_bug_changes_it(proof: Proof, tmp_path: Path) -> None:
    check, cover, *broken = built(runs_of(proof, tmp_path))
    assert 'FLAVOR "assert"' in check.text
    assert 'FLAVOR "cover"' in cover.text
    for run in broken:
        # Line numbers differ where the bug moved lines; what is left must differ too.
        assert _without_source(run.text) != _without_source(check.text)


def _without_source(text: str) -> str:
    return re.sub(r"attribute \\src .*\n", "", text)

from __future__ import annotations

import dataclasses

import pytest
from amaranth.hdl import Module

from formal.proof import Mutant, Proof


def test_proofs_and_bugs_are_values() -> None:
    bug = Mutant("b", "rtl/x.py", "a", "b")
    proof = Proof("name", "X", "claim", "", Module, "bmc", 3, 4, (bug,))
    assert (bug.depth, proof.quick, proof.bdds, proof.timeout_s) == (0, False, False, 600)
    with pytest.raises(dataclasses.FrozenInstanceError):
        proof.depth = 5  # type: ignore[misc]

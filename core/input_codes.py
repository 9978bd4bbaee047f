"""Inputs as field codes: the one place in which numbers of a host become what the input stream carries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.core.instructions import Operation, Source
from oscc.core.program import Program
from oscc.core.weight_word import to_sign_magnitude


def vector_chunks(program: Program) -> tuple[int, ...]:
    """Return the chunks for each of which a sample takes a vector from the host, in the order of the vectors.

    Parameters
    ----------
    program : Program
    """
    chunks, streamed = set(), False
    for instruction in program.instructions():
        if instruction.operation is Operation.FEED:
            streamed = instruction.source is Source.STREAM
        elif instruction.operation is Operation.LOAD:
            if streamed:
                chunks.add(instruction.chunk)
            streamed = False
    return tuple(sorted(chunks))


def field_codes(
    base: NDArray[np.float64], gain: NDArray[np.float64], x: NDArray[np.float64], lsb: NDArray[np.float64], bits: int
) -> NDArray[np.int8]:
    """Return the codes of a field with inputs: base + gain x in steps, half to even, saturating.

    Parameters
    ----------
    base, gain, x, lsb : float64, broadcastable
        [rad per unit of model time], but for the inputs ``x``.
    bits : int
        Width of a field code.

    Returns
    -------
    int8[...]
    """
    top = 2 ** (bits - 1) - 1
    return np.rint(np.clip((base + gain * x) / lsb, -top, top)).astype(np.int8)


def quantize_inputs(program: Program, x: NDArray[np.floating]) -> tuple[NDArray[np.uint8], int]:
    """Return inputs as the bytes of the vectors that the host sends.

    Parameters
    ----------
    program : Program
    x : float[n, I]
        Inputs of n samples, -1 to 1; what lies beyond is clipped and counted.

    Returns
    -------
    codes : uint8[n, V, I]
        Sign-magnitude field codes of the V vectors of a sample (`vector_chunks`).
    saturated : int
        Inputs that were clipped, and codes that saturated at the DAC's full scale.

    Raises
    ------
    OsccError
        ``inputs.none`` when the program takes no inputs; ``inputs.shape``, ``inputs.type``, ``inputs.nan``.
    """
    drive = program.drive
    if not drive.inputs:
        raise OsccError("inputs.none", "the program takes no inputs: leave them out", where=program.name)
    given = np.asarray(x)
    if given.dtype.kind not in "fiu":
        raise OsccError("inputs.type", f"inputs of type {given.dtype}; expected numbers", where=program.name)
    if given.ndim != 2 or given.shape[1] != drive.inputs:
        raise OsccError(
            "inputs.shape",
            f"inputs of shape {list(given.shape)}; expected [samples, {drive.inputs}], one column per input",
            where=program.name,
        )
    wide = given.astype(np.float64)
    if (bad := np.argwhere(~np.isfinite(wide))).size:
        sample, index = bad[0].tolist()
        raise OsccError(
            "inputs.nan",
            f"{len(bad)} inputs are NaN or infinite, the first is input {index} of sample {sample}",
            where=program.name,
            hint="give finite numbers from -1 to 1",
        )
    chunks = list(vector_chunks(program))
    clipped = np.clip(wide, -1.0, 1.0)[:, None, :]
    base, gain, lsb = drive.base[chunks], drive.gain[chunks], program.lsb.field[chunks, None]
    codes = field_codes(base, gain, clipped, lsb, drive.field_bits)
    top = 2 ** (drive.field_bits - 1) - 1
    # Half a step beyond the top code is still nearest to it.
    beyond = np.abs((base + gain * clipped) / lsb) > top + 0.5
    saturated = int(np.count_nonzero(np.abs(wide) > 1.0)) + int(np.count_nonzero(beyond))
    return to_sign_magnitude(codes, drive.field_bits), saturated

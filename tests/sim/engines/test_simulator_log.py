from __future__ import annotations

from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.sim.engines.simulator_log import SimulatorLogs, logs_of, read_log, reason_in

ICARUS = """/tmp/oscc-1/src/tiny_core.v:12: syntax error
/tmp/oscc-1/src/tiny_core.v:14: error: Invalid module item.
I give up.
"""

VERILATOR = """%Warning-WIDTHEXPAND: /tmp/oscc-1/src/a.v:3:4: Operator expects 8 bits
%Error: /tmp/oscc-1/src/tiny_core.v:7:3: syntax error, unexpected endmodule
%Error: Exiting due to 1 error(s)
"""

COMPILER = """g++ -c Vtop.cpp
Vtop.cpp:4:10: fatal error: verilated.h: No such file or directory
make: *** [Vtop.mk:1: Vtop.o] Error 1
"""

TRACEBACK = """VCD info: dumpfile
     0.00ns WARNING  cocotb  something
Traceback (most recent call last):
  File "bench.py", line 3, in run_job
    raise ValueError("X is no number")
ValueError: X is no number
1 failed
the simulator ended with status 1
"""


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (ICARUS, "tiny_core.v, line 12: syntax error"),
        (VERILATOR, "tiny_core.v, line 7: syntax error, unexpected endmodule"),
        (COMPILER, "Vtop.cpp, line 4: verilated.h: No such file or directory"),
        (TRACEBACK, "ValueError: X is no number; the simulator ended with status 1"),
        (
            "one\nAssertion failed: event\nthe simulator was ended by signal 6 (Aborted)\n",
            "Assertion failed: event; the simulator was ended by signal 6 (Aborted)",
        ),
        ("one\nlast words\n", "last words"),
        ("", "no log was written"),
    ],
)
def test_the_reason_is_one_line(log: str, reason: str) -> None:
    assert reason_in(log) == reason


def test_a_warning_is_no_reason() -> None:
    assert reason_in("%Warning-WIDTH: core.v:3:4: odd\n%Error: core.v:9:1: wrong\n") == "core.v, line 9: wrong"


def test_logs_are_found_at_the_error_that_was_raised_from_them(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        raise OsccError("a.b", "c") from SimulatorLogs({"test.log": "whole"})
    assert logs_of(caught.value) == {"test.log": "whole"}
    assert logs_of(ValueError()) == {}
    assert read_log(tmp_path / "none.log") == ""

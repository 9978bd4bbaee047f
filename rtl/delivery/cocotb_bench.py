"""The cocotb tests that are emitted with a core: shim, tests, and what runs them.

They stand on `oscc.cocotb`, which is installed where they run.
"""

from __future__ import annotations

from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.array_shim import shim_verilog
from oscc.rtl.delivery.assertions import assertions_module_name
from oscc.rtl.delivery.source_template import fill_template
from oscc.rtl.delivery.standalone import FOLDER as BENCH_FOLDER
from oscc.rtl.delivery.standalone import GENERATED
from oscc.rtl.top import array_module_name, core_module_name, module_prefix

FOLDER = f"{BENCH_FOLDER}/cocotb"
"""Folder of the tests among what is emitted."""


def test_module_name(core: CoreSpec) -> str:
    """Return the name of the Python module with the tests: ``test_ais_56x56``."""
    return f"test_{module_prefix(core)}"


def cocotb_files(core: CoreSpec) -> dict[str, str]:
    """Return the cocotb tests of a core, byte-identical from run to run.

    Parameters
    ----------
    core : CoreSpec

    Returns
    -------
    dict of str to str
        Content by path, relative to the folder that holds the core's Verilog: shim, tests, runner, Makefile and README.
    """
    values = {
        "generated": GENERATED,
        "generated_plain": GENERATED,
        "name": core.name,
        "core": core_module_name(core),
        "array": array_module_name(core),
        "module": test_module_name(core),
        "assertions": f"{assertions_module_name(core)}.sv",
        "fusesoc": f"oscc:cores:{core_module_name(core)}",
    }
    names = {
        f"{test_module_name(core)}.py": "cocotb_test.py.template",
        "run.py": "cocotb_run.py.template",
        "Makefile": "cocotb_makefile.template",
        "README.md": "cocotb_readme.md",
    }
    return {
        f"{FOLDER}/{array_module_name(core)}_shim.v": f"// {GENERATED}\n{shim_verilog(core)}",
        **{f"{FOLDER}/{name}": fill_template(template, **values) for name, template in names.items()},
    }

"""The words of the project: docstrings that begin with a verb, and lines of prose that an editor shows whole."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

WIDTH = 100
"""Columns of prose."""

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))

GENERATED = {"docs/registers.md", "docs/coverage.md", "docs/formal.md", "docs/synthesis.md"}
"""Pages that a program writes, with what it has to say on one line."""

ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))

NOT_YET: frozenset[str] = frozenset()
"""Rooms in which not all docstrings of functions begin with a verb: none is added."""

_WORDS = """
Accept Add Advance Allow Anneal Answer Append Apply Arrange Assemble Assert Assign Attach Await Backpropagate
Begin Bind Bound Bring Build Calculate Call Carry Change Check Choose Clear Clip Close Code Collect Combine
Compare Compile Complete Compute Connect Convert Copy Count Create Cut Decide Declare Decode Delete Derive
Describe Diagnose Discard Display Divide Do Double Download Draw Drive Drop Dump Embed Emit Encode End Enlarge
Ensure Enter Estimate Evaluate Execute Expand Explore Express Extract Fail Fetch Fill Find Fit Flag Flip Fold
Follow Forget Format Freeze Gather Generate Get Give Go Group Grow Guard Guess Halve Hand Handle Hash Have
Hold Import Insert Install Integrate Interpolate Interrupt Join Judge Keep Lay Lead Leave Lend Let Lift Limit
Link List Load Lock Log Look Lower Make Map Mark Match Measure Merge Model Move Name Negotiate Normalise Note
Number Obtain Occupy Offer Open Order Pack Parse Pass Pause Pay Peel Perform Perturb Phrase Pick Place Play
Plot Point Prepare Print Produce Propagate Propose Prove Provide Prune Pull Push Put Quantize Raise Rank Rate
Reach Read Receive Recompute Record Redo Reduce Refuse Register Relax Release Remember Remove Rename Render
Repair Repeat Replace Report Request Require Reroute Reset Resolve Restore Resume Return Reverse Rip Rotate
Round Route Run Sample Save Say Scale Scan Score Search See Select Send Serve Set Settle Share Shift Show
Shrink Shuffle Simulate Sketch Skip Solve Sort Split Start State Step Stop Store Stream Stress Submit Subtract
Sum Summarise Swap Sweep Synthesise Take Tear Tell Test Throw Tick Time Toggle Trace Track Train Transform
Translate Try Turn Undo Unpack Update Use Validate Vary Verify Visit Wait Walk Watch Weigh Wire Work Wrap
Write Yield
"""
VERBS = frozenset(_WORDS.split())
"""Words with which a docstring may begin: a new one is added here, if it is a verb in the imperative."""


def is_property(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is read as data, which a noun describes."""
    names = {ast.unparse(each).rpartition(".")[2] for each in function.decorator_list}
    return bool(names & {"property", "cached_property"})


def without_verb(source: str) -> Iterator[tuple[str, str]]:
    """Functions whose docstring does not begin with a verb, each with its first line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_property(node):
            text = ast.get_docstring(node)
            if text is not None and text.split()[0].rstrip(".,:;") not in VERBS:
                yield node.name, text.splitlines()[0]


def long_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines of prose beyond `WIDTH`: not those of code and tables, nor those that one long word makes."""
    inside_code = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside_code = not inside_code
        elif not inside_code and len(line) > WIDTH and not line.lstrip().startswith(("|", "![")):
            words = line.split()
            # A word that is longer than the rest of a line cannot be broken.
            if len(line) - len(words[-1]) > WIDTH or not re.search(r"https?://|\]\(", words[-1]):
                yield number, line


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in NOT_YET])
def test_docstrings_of_functions_begin_with_a_verb(room: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}: {line}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for name, line in without_verb(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED])
def test_prose_ends_before_the_last_column(page: str) -> None:
    assert list(long_lines((ROOT / page).read_text(encoding="utf-8"))) == []


def test_the_checks_see_what_they_should() -> None:
    source = '''
class A:
    @property
    def size(self):
        """The size."""
    def grow(self):
        """What grows."""
    async def wait(self):
        """Wait."""
'''
    assert list(without_verb(source)) == [("grow", "What grows.")]
    words = "word " * 25
    assert [number for number, _ in long_lines(f"a\n{words}\n```sh\n{words}\n```\n| {words} |\n{words}")] == [2, 7]
    assert list(long_lines("a " * 40 + "[page](https://example.org/" + "x" * 80 + ")")) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    for target in targets:
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = ((ROOT / page).parent / name) if name else ROOT / page
        assert path.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}, target

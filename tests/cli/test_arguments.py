from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.cli.arguments import refused_argument

Run = Callable[..., tuple[int, str, str]]

HOME = "is no home folder: the shell left it as it is"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("solve", ""), "an argument is empty", "is a variable of your shell not set?"),
        (("solve", "d", "--output="), "an argument is empty", "is a variable of your shell not set?"),
        (
            ("compile", "m", "--output=~/x"),
            f"~/x {HOME}",
            "write '--output ~/x' without quotes, '~' at the beginning of a word; or ./~/x for that name",
        ),
        (
            ("solve", "d", "-o~root/x"),
            f"~root/x {HOME}",
            "write '-o ~root/x' without quotes, '~' at the beginning of a word; or ./~root/x for that name",
        ),
        (
            ("check", "~", "--core", "c"),
            f"~ {HOME}",
            "write '~' without quotes, '~' at the beginning of a word; or ./~ for that name",
        ),
        *(
            (
                words,
                "'-' is neither standard input nor standard output",
                "write /dev/stdin or /dev/stdout, or ./- for a file of that name",
            )
            for words in (
                ("solve", "d", "-o", "-"),
                ("solve", "d", "-o-"),
                ("report", "d", "--output=-"),
                ("check", "-"),
            )
        ),
    ],
)
def test_words_that_are_refused(words: tuple[str, ...], message: str, hint: str) -> None:
    error = refused_argument(words)
    assert error is not None
    assert (error.code, error.where, error.message, error.hint) == ("usage", "oscc", message, hint)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("solve", "d", "-n", "-5"),
        ("solve", "d", "-o", "./-"),
        ("solve", "d", "--output=./~/x"),
        ("check", "a~", "--core=x~y", "--"),
        ("check", "a=~b"),
        ("solve", "d", "-h"),
        ("sample", "--dump-ir=after:~"),
    ],
)
def test_words_that_are_left_to_the_verb(words: tuple[str, ...]) -> None:
    assert refused_argument(words) is None


def test_nothing_of_such_a_name_is_made(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for output in ("--output=~/x", "--output=-"):
        status, out, err = oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", output)
        assert (status, out) == (2, "")
        assert err.startswith("oscc: ")
        assert err.count("\n") == 2
    assert list(tmp_path.iterdir()) == []

from __future__ import annotations

import json
import logging
import os
import pwd
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from oscc.base.child_process import child_environment, make_scratch, run_child, scratch_folder
from oscc.base.errors import OsccError


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets is in the environment."""
    for name in list(os.environ):
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("shell")
def test_only_what_a_child_needs_is_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PATH": "/a:/b", "HOME": str(tmp_path), "NUMBA_CACHE_DIR": "/c", "LD_LIBRARY_PATH": "/d"}
    rubbish = {"CXXFLAGS": "-x", "WAVES": "1", "PYTHONSTARTUP": "/x", "LC_ALL": "tr_TR", "TMPDIR": "/x y"}
    for name, value in (given | rubbish).items():
        monkeypatch.setenv(name, value)
    made = {"LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path / "s"), "PYTHONSAFEPATH": "1"}
    assert child_environment(tmp_path / "s") == given | made
    assert child_environment(tmp_path / "s", {"PATH": "/e", "X": "y"}) == given | made | {"PATH": "/e", "X": "y"}


@pytest.mark.usefixtures("shell")
def test_without_a_home_caches_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    made = child_environment(tmp_path)
    assert (made["HOME"], made["PATH"]) == (str(tmp_path), os.defpath)
    # One that cannot be written, or is none.
    for home in ("/proc/nowhere", "/dev/null"):
        monkeypatch.setenv("HOME", home)
        made = child_environment(tmp_path)
        assert (made["HOME"], made["XDG_CACHE_HOME"]) == (home, str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert child_environment(tmp_path)["XDG_CACHE_HOME"] == str(tmp_path / "own")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert child_environment(tmp_path)["XDG_CACHE_HOME"] == str(tmp_path / "cache")


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("given", ["", ".", "relative"])
def test_a_home_that_is_no_absolute_path_is_none(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", given)
    for folder in ("own", "scratch"):
        (tmp_path / folder).mkdir()
    user = pwd.struct_passwd(("me", "x", 1, 1, "", str(tmp_path / "own"), ""))
    monkeypatch.setattr("pwd.getpwuid", lambda _: user)
    assert child_environment(tmp_path / "scratch")["HOME"] == str(tmp_path / "own")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["own", "scratch"]
    monkeypatch.setattr("pwd.getpwuid", lambda _: pwd.struct_passwd((*user[:5], "", "")))
    assert child_environment(tmp_path / "scratch")["HOME"] == str(tmp_path / "scratch")


@pytest.mark.usefixtures("shell")
def test_a_home_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "absent"))
    made = child_environment(tmp_path / "scratch")
    assert (made["HOME"], made["XDG_CACHE_HOME"]) == (str(tmp_path / "absent"), str(tmp_path / "scratch" / "cache"))
    assert not (tmp_path / "absent").exists()


def test_a_child_finds_packages_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "base"))
    # Virtual environments have no packages of the user.
    python = str(getattr(sys, "_base_executable", sys.executable))
    show = "import site; print(site.getusersitepackages())"
    place = Path(run_child([python, "-c", show], tmp_path).stdout.strip())
    assert place.is_relative_to(tmp_path / "base")
    place.mkdir(parents=True)
    (place / "of_the_user.py").write_text("print('found')")
    assert run_child([python, "-c", "import of_the_user"], tmp_path).stdout == "found\n"


@pytest.mark.usefixtures("shell")
@pytest.mark.parametrize("name", ["NIX_CFLAGS_COMPILE", "NIX_LDFLAGS", "SDKROOT", "DEVELOPER_DIR", "PYTHONNOUSERSITE"])
def test_compilers_find_where_they_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/a")
    assert child_environment(tmp_path)[name] == "/a"


@pytest.mark.usefixtures("shell")
def test_modules_are_not_looked_up_in_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ":.:relative:/absolute:")
    assert child_environment(tmp_path)["PYTHONPATH"] == "/absolute"
    monkeypatch.setenv("PYTHONPATH", ":.")
    assert "PYTHONPATH" not in child_environment(tmp_path)


SHOW = "import json, os, sys; print(json.dumps([os.getcwd(), sys.path, sys.stdin.read(), dict(os.environ)]))"


def test_a_child_runs_in_its_folder_and_gets_its_text(tmp_path: Path) -> None:
    done = run_child([sys.executable, "-c", SHOW], tmp_path, text="ä\n")
    folder, path, text, environment = json.loads(done.stdout)
    assert (done.returncode, folder, text, environment["TMPDIR"]) == (0, str(tmp_path), "ä\n", str(tmp_path))
    assert "" not in path
    assert str(tmp_path) not in path
    # Without a text it has nothing to read, and does not wait for the terminal.
    assert json.loads(run_child([sys.executable, "-c", SHOW], tmp_path).stdout)[2] == ""


def test_what_it_prints_may_go_to_a_file(tmp_path: Path) -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    with (tmp_path / "console").open("wb") as console:
        assert run_child([sys.executable, "-c", code], tmp_path, console=console).returncode == 3
    assert (tmp_path / "console").read_text() == "out\nerr\n"
    done = run_child([sys.executable, "-c", "import os; os.write(1, b'\\xff')"], tmp_path)
    assert done.stdout == "\ufffd"


# The child's own child sleeps on, unless the whole group is ended.
SLEEP = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open("pids", "w").write(f"{os.getpid()} {child.pid} {os.getpgrp()}")
time.sleep(60)
"""


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


# A process of its own, so that no interrupt can reach the one that runs the tests.
INTERRUPTED = """
import signal, sys, threading, time
from pathlib import Path
from oscc.base.child_process import run_child

folder = Path(sys.argv[1])

def interrupt():
    while not (folder / "pids").is_file() or len((folder / "pids").read_text().split()) < 3:
        time.sleep(0.02)
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

threading.Thread(target=interrupt, daemon=True).start()
try:
    run_child([sys.executable, "-c", sys.argv[2]], folder)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("how", ["interrupt", "timeout"])
def test_a_child_ends_with_its_own_children(how: str, tmp_path: Path) -> None:
    if how == "interrupt":
        command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), SLEEP]
        done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            run_child([sys.executable, "-c", SLEEP], tmp_path, timeout_s=3)
    first, second, group = map(int, (tmp_path / "pids").read_text().split())
    # A group of its own: an interrupt of the terminal goes to this process alone.
    assert group == first != os.getpgrp()
    for _ in range(200):
        if has_ended(first) and has_ended(second):
            break
        time.sleep(0.02)
    assert has_ended(first)
    assert has_ended(second)


def test_scratch_folders_are_one_word_and_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("with a space", "ä", "a$(b)", "a;b", "a:b"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
        with scratch_folder("oscc-test-") as folder:
            assert folder.is_dir()
            assert str(folder).isascii()
            assert set(str(folder)).isdisjoint(" $();:")
            (folder / "a").mkdir()
        assert not folder.exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder:
        assert folder.parent == tmp_path


def test_a_temporary_folder_that_cannot_be_used_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(OsccError) as caught:
        make_scratch("oscc-")
    assert caught.value.code == "environment.temporary"
    assert str(caught.value) == (
        "no temporary files can be made: No such file or directory\n"
        "set TMPDIR to a folder that can be written and has room"
    )

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(OsccError, match="No usable temporary directory found"), scratch_folder():
        pass


def test_a_call_is_logged_as_a_shell_would_take_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "oscc.base.child_process")
    assert run_child([sys.executable, "-c", "exit(3)"], tmp_path).returncode == 3
    begun, ended = (record.getMessage() for record in caplog.records)
    assert begun == f"calling {sys.executable} -c 'exit(3)' in {tmp_path}"
    assert ended.startswith(f"{Path(sys.executable).name}: exit status 3 after ")

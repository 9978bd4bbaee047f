from __future__ import annotations

import ast
import errno
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from oscc.base.errors import OsccError
from oscc.base.file_output import check_file_target, open_lines, write_bytes, write_line, write_text

ROOT = Path(__file__).resolve().parents[2]


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def refused(path: Path) -> OsccError:
    """The error of a target, which `write_bytes` must raise too."""
    with pytest.raises(OsccError) as caught:
        check_file_target(path)
    with pytest.raises(OsccError) as written:
        write_bytes(path, b"new")
    assert written.value.as_dict() == caught.value.as_dict()
    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value)
    return caught.value


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_mode_of_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "a", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert mode_of(tmp_path / "a") == mode
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_a_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(mode)
    write_bytes(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), mode_of(tmp_path / "a")) == (b"new", mode)


def test_a_file_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o444)
    if os.geteuid() == 0:
        # Root may write it, and its mode stays.
        write_bytes(path, b"new")
        assert (path.read_bytes(), mode_of(path)) == (b"new", 0o444)
        path.chmod(0o644)
        path.write_bytes(b"old")
        path.chmod(0o444)
        access = os.access
        monkeypatch.setattr(os, "access", lambda at, mode: Path(at) != path and access(at, mode))
    error = refused(path)
    assert (error.code, error.message) == ("output.unwritable", "no permission to write it (mode 444)")
    assert path.read_bytes() == b"old"


def test_the_owner_stays(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    (tmp_path / "a").write_bytes(b"old")
    os.chown(tmp_path / "a", 65534, 65533)
    (tmp_path / "a").chmod(0o640)
    write_bytes(tmp_path / "a", b"new")
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (65534, 65533, 0o640)


def test_what_cannot_be_given_its_owner_is_written_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "a"
    path.write_bytes(b"longer than the new one")
    inode = path.stat().st_ino
    # As where the folder is locked, the file is a mount point, or it is another user's.
    monkeypatch.setattr(Path, "replace", refuse)
    write_bytes(path, b"new")
    assert (path.read_bytes(), path.stat().st_ino) == (b"new", inode)
    assert names(tmp_path) == ["a"]


def test_links_are_followed_and_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "real" / "a").write_bytes(b"old")
    (tmp_path / "real" / "a").chmod(0o600)
    (tmp_path / "links" / "one").symlink_to("../real/a")
    (tmp_path / "links" / "two").symlink_to("one")
    write_bytes(tmp_path / "links" / "two", b"new")
    assert (tmp_path / "real" / "a").read_bytes() == b"new"
    assert mode_of(tmp_path / "real" / "a") == 0o600
    assert (tmp_path / "links" / "one").readlink() == Path("../real/a")
    assert (tmp_path / "links" / "two").readlink() == Path("one")
    assert (names(tmp_path / "links"), names(tmp_path / "real")) == (["one", "two"], ["a"])


def test_a_dangling_link_makes_its_target(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/a")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"new"


def test_links_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert "symbolic links" in refused(tmp_path / "loop").message
    (tmp_path / "link").symlink_to("absent/a")
    assert refused(tmp_path / "link").message == f"there is no folder {tmp_path}/absent"
    (tmp_path / "folder").symlink_to(tmp_path)
    assert refused(tmp_path / "folder").code == "output.is-folder"
    assert names(tmp_path) == ["folder", "link", "loop"]


def test_other_names_of_a_file_keep_what_it_held(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "backup").hardlink_to(tmp_path / "a")
    write_bytes(tmp_path / "a", b"new")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "backup").read_bytes()) == (b"new", b"old")


def test_a_pipe_is_written_into_and_stays_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        read: list[bytes] = []
        reader = threading.Thread(target=lambda got=read: got.append((tmp_path / "pipe").read_bytes()))
        reader.start()
        write_bytes(tmp_path / name, b"new" * 50_000)
        reader.join(timeout=30)
        assert read == [b"new" * 50_000]
        assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)
    assert names(tmp_path) == ["link", "pipe"]


def node(path: Path, kind: int, major: int, minor: int) -> Path:
    """A device node of the test's own; the machine's are never touched."""
    try:
        os.mknod(path, kind | 0o600, os.makedev(major, minor))
        path.open("rb").close()
    except OSError as error:
        path.unlink(missing_ok=True)
        pytest.skip(f"no device node can be made here: {error.strerror}")
    return path


def test_a_device_is_written_into_and_stays_one(tmp_path: Path) -> None:
    null, full = node(tmp_path / "null", stat.S_IFCHR, 1, 3), node(tmp_path / "full", stat.S_IFCHR, 1, 7)
    write_bytes(null, b"new")
    with pytest.raises(OsccError) as caught:
        write_bytes(full, b"new")
    assert str(caught.value) == f"{full}: cannot be written: No space left on device"
    for path, minor in ((null, 3), (full, 7)):
        found = path.lstat()
        assert (stat.S_ISCHR(found.st_mode), stat.S_IMODE(found.st_mode)) == (True, 0o600)
        assert os.minor(found.st_rdev) == minor
    assert names(tmp_path) == ["full", "null"]


def test_what_is_no_place_for_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A socket's name may have 107 characters.
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        error = refused(tmp_path / "socket")
    assert (error.code, error.message) == ("output.special", "a socket; the output is a file")
    error = refused(tmp_path)
    assert (error.code, error.message) == ("output.is-folder", "a folder; the output is a file")
    assert stat.S_ISSOCK((tmp_path / "socket").lstat().st_mode)


def test_a_disk_is_refused(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 255))
    except OSError as fault:
        pytest.skip(f"no device node can be made here: {fault.strerror}")
    error = refused(tmp_path / "disk")
    assert (error.code, error.message) == ("output.special", "a block device; the output is a file")
    assert stat.S_ISBLK((tmp_path / "disk").lstat().st_mode)


def test_the_folder_of_a_file_must_exist(tmp_path: Path) -> None:
    error = refused(tmp_path / "absent" / "a.png")
    assert (error.code, error.message) == ("output.unwritable", f"there is no folder {tmp_path}/absent")
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file" / "a.png").message == "cannot be written: Not a directory"


def test_the_folder_of_a_file_must_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The superuser may write anywhere, so that the answer of the system is arranged.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    error = refused(tmp_path / "a.png")
    assert (error.code, error.message) == ("output.unwritable", f"no permission to write into {tmp_path}")


LEGAL = ["a b.png", "x" * 245, "x" * 255, os.fsdecode(b"m\xff\xfe.png"), "two\nlines.png", "ä€.png", "-o"]


@pytest.mark.parametrize("name", LEGAL)
def test_every_legal_name_works(name: str, tmp_path: Path) -> None:
    check_file_target(tmp_path / name)
    assert names(tmp_path) == []
    for content in (b"old", b"new"):
        write_bytes(tmp_path / name, content)
        assert (tmp_path / name).read_bytes() == content
    assert names(tmp_path) == [name]


def test_a_name_that_is_too_long_is_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    assert refused(path).message == "cannot be written: File name too long"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("existing", [True, False])
def test_half_a_file_is_never_left(
    existing: bool, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(self: Path, content: bytes) -> int:
        write(self, content[:2])
        raise error

    path = tmp_path / "a.png"
    if existing:
        path.write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        with pytest.raises((OsccError, KeyboardInterrupt)) as caught:
            write_bytes(path, b"new")
    told = f"{path}: cannot be written: No space left on device" if isinstance(error, OSError) else ""
    assert str(caught.value) == told
    assert names(tmp_path) == (["a.png"] if existing else [])
    assert not existing or path.read_bytes() == b"old"


def test_a_file_that_is_written_itself_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "a", Path.write_bytes
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    def fill(self: Path, content: bytes) -> int:
        if self.name == "a" and content == b"new":
            write(self, b"n")
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(OsccError, match="cannot be written: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_standard_output_by_its_name_keeps_what_was_printed(tmp_path: Path) -> None:
    code = (
        "import sys; from oscc.base.file_output import write_bytes; "
        "print('before'); write_bytes(sys.argv[1], b'content\\n'); print('after')"
    )
    for target in ("/dev/stdout", str(tmp_path / "out")):
        with (tmp_path / "out").open("w") as out:
            subprocess.run([sys.executable, "-c", code, target], stdout=out, check=True, timeout=60)
        assert (tmp_path / "out").read_text() == "before\ncontent\nafter\n"
    done = subprocess.run([sys.executable, "-c", code, "/dev/stdout"], stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout == b"before\ncontent\nafter\n"


def test_a_socket_that_is_standard_output_is_written_into() -> None:
    code = (
        "import os, sys; from oscc.base.file_output import write_bytes; "
        "print('before'); write_bytes('/dev/stdout', b'content '); write_bytes(sys.argv[1], b'more')"
    )
    ours, its = socket.socketpair()
    with ours, its:
        place = f"/dev/fd/{its.fileno()}"
        command = [sys.executable, "-c", code, place]
        subprocess.run(command, stdout=its.fileno(), pass_fds=[its.fileno()], check=True, timeout=60)
        assert ours.recv(100) == b"before\ncontent more"


ACCESS_LIST = "system.posix_acl_access"


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """An access control list as the kernel stores it, of entries (tag, permissions, user)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NO_ID = 0xFFFFFFFF
LIST = access_list((1, 6, NO_ID), (2, 6, 1), (4, 4, NO_ID), (16, 6, NO_ID), (32, 0, NO_ID))
"""The owner and user 1 may read and write, the group may read."""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A file with an access control list and attributes of a user, in a folder that gives one to new files."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    try:
        for name in ("user.a", "user.z"):
            os.setxattr(path, name, name.encode())
        os.setxattr(path, ACCESS_LIST, LIST)
    except (OSError, AttributeError) as error:
        pytest.skip(f"no access control lists here: {error}")
    return path


def test_access_lists_and_attributes_stay(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_one = os.setxattr

    def refuse(path: Path, name: str, value: bytes) -> None:
        if name == "user.a":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        set_one(path, name, value)

    monkeypatch.setattr(os, "setxattr", refuse)
    monkeypatch.setattr(os, "listxattr", lambda path, real=os.listxattr: sorted(real(path), reverse=True))
    write_bytes(listed, b"new")
    # One that cannot be set costs none of the others.
    assert listed.read_bytes() == b"new"
    assert os.getxattr(listed, ACCESS_LIST) == LIST
    assert os.getxattr(listed, "user.z") == b"user.z"
    assert mode_of(listed) == 0o660


def test_a_file_whose_access_list_cannot_be_given_on_is_written_itself(
    listed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_one, inode = os.setxattr, listed.stat().st_ino

    def refuse(path: Path, name: str, value: bytes) -> None:
        if name == ACCESS_LIST:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        set_one(path, name, value)

    monkeypatch.setattr(os, "setxattr", refuse)
    write_bytes(listed, b"new")
    assert (listed.read_bytes(), listed.stat().st_ino) == (b"new", inode)
    assert os.getxattr(listed, ACCESS_LIST) == LIST
    assert names(listed.parent) == ["a"]


def test_no_access_list_comes_from_the_folder(listed: Path) -> None:
    os.setxattr(listed.parent, "system.posix_acl_default", LIST)
    os.removexattr(listed, ACCESS_LIST)
    listed.chmod(0o640)
    write_bytes(listed, b"new")
    assert ACCESS_LIST not in os.listxattr(listed)
    assert mode_of(listed) == 0o640


def test_a_file_that_may_only_be_written_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = tmp_path / "a", Path.read_bytes
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    # Root may read all.
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        patched.setattr(Path, "read_bytes", refuse)
        write_bytes(path, b"new")
    assert read(path) == b"new"
    assert names(tmp_path) == ["a"]


def test_texts_are_utf_8_and_names_that_are_not_are_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "ä\n" + os.fsdecode(b"\xff"))
    assert (tmp_path / "a").read_bytes() == "ä\n".encode() + b"\\udcff"


def other_ways(path: Path) -> list[str]:
    """Calls in a source file that write files in another way than this module."""
    found = []
    for call in (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call)):
        function, arguments = call.func, [ast.unparse(each) for each in call.args]
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else ""
        # A path's own method, or that of a module: np.save, shutil.copy, os.replace.
        writes = isinstance(function, ast.Attribute) and (
            (name in ("write_text", "write_bytes", "savefig", "save_file", "tofile"))
            or (owner == "shutil" and name.startswith(("copy", "move")))
            or (owner in ("np", "numpy") and name.startswith("save") and not arguments[0].isidentifier())
            or (owner == "os" and name in ("rename", "replace", "link", "symlink", "truncate"))
        )
        opens = name in ("open", "fdopen") and any(
            mode in ("'w'", "'wb'", "'a'", "'ab'", "'x'", "'xb'", "'r+b'", "'w+b'") for mode in arguments
        )
        if writes or opens:
            found.append(f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(function)}")
    return found


ALLOWED = {
    "base/staged_folder.py": 4,  # moves what was written, there and back
    "base/file_output.py": 4,
    "rtl/synthesis/tools.py": 1,  # a tool's console, in a scratch folder
    "cli/verify.py": 1,  # into a folder that is moved into place whole
    "report/cosim_files.py": 1,  # the same
    "sim/failed_run.py": 1,  # what a scratch folder holds when a run fails
    "sim/engines/kept_builds.py": 3,  # a cache: written aside, moved into place, checked when read
    "sim/engines/pysim.py": 1,  # waves as they come, in a scratch folder
    "sim/waves/wave_file.py": 1,  # the same
    "report/pictures.py": 1,  # into memory
}


def test_nothing_is_written_in_another_way() -> None:
    counted: dict[str, list[str]] = {}
    for room in sorted(path.parent for path in ROOT.glob("*/__init__.py")):
        for path in sorted(room.rglob("*.py")):
            if found := other_ways(path):
                counted[path.relative_to(ROOT).as_posix()] = found
    assert {name: len(found) for name, found in counted.items()} == ALLOWED, counted


def test_lines_are_added_and_each_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for lines in (("a", "b"), ("c \udcff",)):
        descriptor = open_lines(path)
        for line in lines:
            write_line(descriptor, line)
        os.close(descriptor)
    assert path.read_bytes() == b"a\nb\nc \\udcff\n"


def test_lines_go_through_a_link_and_keep_the_mode(tmp_path: Path) -> None:
    path, link = tmp_path / "log", tmp_path / "link"
    path.touch(0o600)
    link.symlink_to(path)
    descriptor = open_lines(link)
    write_line(descriptor, "a")
    os.close(descriptor)
    assert link.is_symlink()
    assert path.read_text() == "a\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_lines_are_refused_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(OsccError, match="a folder; the output is a file"):
        open_lines(tmp_path)
    with pytest.raises(OsccError, match="there is no folder"):
        open_lines(tmp_path / "absent" / "log")
    descriptor = open_lines("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_line(descriptor, "a")
    os.close(descriptor)

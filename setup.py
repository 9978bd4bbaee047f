"""The packages of the project, from the tree: a folder of the root with an `__init__.py` is a room of `oscc`.

`oscc` itself is the folder of that name; every other room, such as `compiler`, is imported as `oscc.compiler`. Whatever
a room holds besides modules is data of its package. Nothing else lists them.
"""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).resolve().parent
FOLDERS = {
    init.parent
    for top in sorted(ROOT.glob("*/__init__.py"))
    for init in sorted(top.parent.rglob("__init__.py"))
    if "__pycache__" not in init.parts
}


def package_of(folder: Path) -> str:
    """Return the name under which a folder is imported."""
    parts = folder.relative_to(ROOT).parts
    return ".".join(parts if parts[0] == "oscc" else ("oscc", *parts))


def data_of(folder: Path) -> list[str]:
    """Return the data of a package, also in folders below that are no packages themselves."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return [
        path.relative_to(folder).as_posix()
        for path in files
        if path.suffix != ".py" and next(parent for parent in path.parents if parent in FOLDERS) == folder
    ]


setup(
    packages=sorted(map(package_of, FOLDERS)),
    package_dir={package_of(folder): folder.relative_to(ROOT).as_posix() for folder in sorted(FOLDERS)},
    package_data={package_of(folder): data_of(folder) for folder in sorted(FOLDERS)},
    include_package_data=False,
)

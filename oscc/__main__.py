"""The command ``oscc`` as ``python -m oscc``."""

from oscc.cli.entry import run

if __name__ == "__main__":
    run()

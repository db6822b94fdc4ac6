"""The command line: `flask <group> <command>`."""

from importlib import import_module

from flask import Flask

GROUPS = ("access", "events", "rollups")


def register(app: Flask) -> None:
    for name in GROUPS:
        import_module(f"{__name__}.{name}").register(app)

"""The command line: every module of this package adds its commands."""

from importlib import import_module
from pkgutil import iter_modules

from flask import Flask


def register(app: Flask) -> None:
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}").register(app)

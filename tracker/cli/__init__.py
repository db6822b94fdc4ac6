"""The command line: every module of this package adds its commands."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from tracker.store.access import AccessError
from tracker.store.revision import misfit


def register(app: Flask) -> None:
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}").register(app)


class Commands(AppGroup):
    """Commands that end with a sentence where they are refused, or the database is to blame."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AccessError as error:
            raise click.ClickException(str(error)) from error
        except TimeoutError as error:
            raise click.ClickException(f"{error}: try again") from error
        except (SQLAlchemyError, OSError) as error:
            found = ctx.ensure_object(ScriptInfo).load_app().extensions
            reason = misfit(found["database"], found["settings"].default_tenant)
            if reason is None:
                raise
            raise click.ClickException(f"{reason} ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]

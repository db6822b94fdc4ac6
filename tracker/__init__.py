"""Tracker: first-party behaviour tracking with marketplace intelligence on top."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from tracker.config import ROOT, Settings, load_settings

__version__ = "0.1.0"


def create_app(settings: Settings | None = None) -> Flask:
    """The application, wired. `settings` default to the environment's."""
    from tracker import cli, dashboard, demo, errors, ingest
    from tracker.extensions import db
    from tracker.memory import remember_nothing
    from tracker.offloop import OffLoop
    from tracker.store.database import Database
    from tracker.web import OrjsonProvider, PageSessions, TrackerFlask

    settings = settings or load_settings()
    app = TrackerFlask(
        __name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    app.session_interface = PageSessions()
    app.json = OrjsonProvider(app)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_BINDS={"writer": settings.database_url},
        SESSION_COOKIE_SECURE=not settings.development,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    _bind_extensions(app)
    with app.app_context():
        database = Database(reader=db.engine, writer=db.engines["writer"])
    app.extensions["settings"] = settings
    app.extensions["database"] = database
    remember_nothing(app)
    errors.register_errors(app)
    ingest.register(app)
    dashboard.register(app)
    demo.register(app)
    cli.register(app)
    app.wsgi_app = app.extensions["off_loop"] = OffLoop(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def _bind_extensions(app: Flask) -> None:
    from tracker.extensions import csrf, db, login, migrate

    for extension in (db, csrf):
        extension.init_app(app)
    login.init_app(app, add_context_processor=False)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))

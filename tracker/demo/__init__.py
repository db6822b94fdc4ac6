"""The demo marketplace: a product that uses Tracker just as the integration guide says.

It exists in development, and where sample data have been loaded.
"""

from flask import Flask

from tracker.demo.marketplace import blueprint


def register(app: Flask) -> None:
    """Add the marketplace at `/demo`."""
    app.register_blueprint(blueprint)

"""The WSGI application: `wsgi:app`."""

from tracker import create_app

app = create_app()

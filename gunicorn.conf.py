"""How the service is run: `gunicorn wsgi:app` reads this file by itself.

Requests are taken on gevent's loop, by one process per core; pages run on native threads, so that a
long query is never felt by a visitor (see tracker/offloop.py). Where there are several, one process
more takes no requests and writes for them all (see tracker/store/scribe.py).
"""

from gevent import monkey

monkey.patch_all()

import gc
import logging
import sys
from contextlib import suppress

from gevent.baseserver import BaseServer

from tracker.config import load_settings
from tracker.store.scribe import Clerk, Desk, Scribe

settings = load_settings()

bind = f"0.0.0.0:{settings.port}"
workers = settings.web_concurrency + (settings.web_concurrency > 1)  # and the one that writes
worker_class = "gevent"
preload_app = True  # the processes share the rate counters, and most of their memory
backlog = 2048
keepalive = 75
graceful_timeout = 30
timeout = 60
max_requests = 0
control_socket_disable = True
accesslog = None  # an access log would hold addresses and user agents
loglevel = "warning"


def names_nobody(record):
    """Whether a line may be logged: of a request that it can't read gunicorn logs the address."""
    return "request from ip=" not in record.getMessage()


logging.getLogger("gunicorn.error").addFilter(names_nobody)

# One connection at a time: else the first process to wake takes all that wait, and the others idle.
BaseServer.max_accept = 1

_SWITCH_SECONDS = 0.0005
"""How long a page's thread may keep the interpreter from the loop that takes events."""

_GARBAGE = (20_000, 20, 20)
"""How many more objects than now exist before Python looks for cycles: a request makes few."""

desk = Desk() if workers > 1 else None


def when_ready(server):
    """One line that says what the service found."""
    from tracker.startup import log_start

    if is_tracker(server.app.wsgi()):
        log_start(server.app.wsgi())
    gc.freeze()  # what all processes share is never looked through for garbage


def post_worker_init(worker):
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_GARBAGE)
    writes = desk is not None and desk.take()
    if writes:
        worker.sockets = []  # takes no requests
    if not is_tracker(worker.wsgi):
        return
    with suppress(Exception):  # without a database requests say so themselves
        worker.wsgi.extensions["database"].connect_first()
    writer = worker.wsgi.extensions["writer"]
    if writes:
        scribe = Scribe(desk, writer)
        stoppers.append(lambda: scribe.finish(graceful_timeout - 1))
    elif desk:
        Clerk(desk, writer)
    if settings.worker == "inline":
        from tracker.jobs.clock import start_clock

        stoppers.append(start_clock(worker.wsgi))


def is_tracker(app):
    """Whether it is ours; a benchmark serves others with these settings."""
    return "writer" in getattr(app, "extensions", ())


def worker_exit(_server, _worker):
    for stop in stoppers:
        stop()


stoppers = []

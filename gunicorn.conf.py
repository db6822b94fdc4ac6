"""How the service is run: `gunicorn wsgi:app` reads this file by itself.

Requests are taken on gevent's loop, by one process per core. Where there are several, two more
take no requests: one writes for them all (see tracker/store/scribe.py), and one makes their pages
and runs the clock (see tracker/offloop.py), so that a long query is never felt by a visitor. A
single process does everything, pages and clock on native threads.
"""

from gevent import monkey

monkey.patch_all()

import gc
import logging
import os
import signal
import sys
from contextlib import suppress

from gevent.baseserver import BaseServer

from tracker.config import load_settings
from tracker.desk import Desk
from tracker.startup import GARBAGE, log_start
from tracker.store.scribe import Clerk, write_for_all

settings = load_settings()

bind = f"0.0.0.0:{settings.port}"
apart = settings.web_concurrency > 1
workers = settings.web_concurrency + 2 * apart
worker_class = "gevent"
preload_app = True  # the processes share the rate counters, and most of their memory
backlog = 2048
keepalive = 75
limit_request_line = 8190  # a link that holds a long query in Japanese takes 4,500
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

_YIELDING = 5
"""How much nicer the process of the pages is: those who wait for a page can, visitors can't."""

_SWITCH_SECONDS = 0.0005
"""How long a page's thread may keep the interpreter from the loop that takes events."""

writing, showing = (Desk(), Desk()) if apart else (None, None)


def _end_at_once():
    """A process that is told to end before it listens to that does."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


# Its parent's way to listen, which it begins with, would swallow the signal, and the service would
# take half a minute to end.
os.register_at_fork(
    before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]),
    after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]),
    after_in_child=_end_at_once,
)


def when_ready(server):
    """One line that says what the service found."""
    if is_tracker(server.app.wsgi()):
        log_start(server.app.wsgi())
    gc.freeze()  # what all processes share is never looked through for garbage


def post_worker_init(worker):
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*GARBAGE)
    writes = apart and writing.take()
    shows = apart and not writes and showing.take()
    if writes or shows:
        worker.sockets = []  # takes no requests
    if not is_tracker(worker.wsgi):
        return
    with suppress(Exception):  # without a database requests say so themselves
        worker.wsgi.extensions["database"].connect_first()
    writer, pages = worker.wsgi.extensions["writer"], worker.wsgi.extensions["off_loop"]
    if writes:
        finishers.append(write_for_all(writing, writer))
    elif apart:
        Clerk(writing, writer)
    if shows:
        os.nice(_YIELDING)
        finishers.append(pages.make_for_all(showing))
    elif apart:
        pages.have_made(showing)
    if settings.worker == "inline" and (shows or not apart):
        from tracker.jobs.clock import start_clock

        stoppers.append(start_clock(worker.wsgi))


def is_tracker(app):
    """Whether it is ours; a benchmark serves others with these settings."""
    return "writer" in getattr(app, "extensions", ())


def worker_exit(_server, _worker):
    for stop in stoppers:
        stop()
    for finish in finishers:
        finish(graceful_timeout - 1)


stoppers, finishers = [], []

"""`flask worker`: the clock, in the foreground."""

import signal
import threading

import click
from flask import Flask, current_app

from tracker.jobs.clock import start_clock


def register(app: Flask) -> None:
    app.cli.add_command(worker)


@click.command("worker")
def worker() -> None:
    """Run the clock until stopped: settling, deliveries, alerts, retention.

    Several may run; each job is done by one of them, and a worker that dies is replaced.
    """
    ended = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: ended.set())
    stop = start_clock(current_app)
    click.echo("the clock runs; stop it with Ctrl-C", err=True)
    while not ended.wait(1):  # a signal that another thread takes wakes nobody
        pass
    stop()

"""The clock: every job at its pace, each by one process at a time.

All processes that may run the clock schedule all jobs; whoever holds a job's lease does it.
A holder that dies stops renewing, and another one takes over when the lease has run out. Jobs
run on native threads with connections of their own: under gevent the loop never waits for them.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from apscheduler.executors.pool import BasePoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from gevent import monkey
from sqlalchemy.exc import InterfaceError, OperationalError

from tracker.jobs.engines import own_database
from tracker.jobs.work import Context, Job, jobs
from tracker.store.database import Database
from tracker.store.leases import hold, release

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
ASK_AGAIN_SECONDS = 5
"""How often a process asks for a lease that another one holds."""


class Leases:
    """The leases of one process, renewed when half of their time is over."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._holder = uuid4().hex
        self._fresh_until: dict[str, float] = {}
        self._ask_at: dict[str, float] = {}

    def hold(self, name: str) -> bool:
        """Whether this process has the lease, now and for half of its time at least."""
        now = time.monotonic()
        if now < self._fresh_until.get(name, 0):
            return True
        if now < self._ask_at.get(name, 0):
            return False
        with self._database.write() as connection:
            held = hold(connection, name, self._holder, datetime.now(UTC), LEASE)
        if held:
            self._fresh_until[name] = now + LEASE.total_seconds() / 2
        else:
            self._ask_at[name] = now + ASK_AGAIN_SECONDS
        return held

    def release(self) -> None:
        """Lets others take over at once."""
        self._fresh_until.clear()
        with self._database.write() as connection:
            release(connection, self._holder)


@dataclass
class Clock:
    """The scheduler of one process."""

    context: Context
    _over: bool = False

    def __post_init__(self) -> None:
        self._leases = Leases(self.context.database)
        self._jobs = jobs()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_executor(_Threads(len(self._jobs)))
        # Each tick of a job that is still running would be reported as a warning.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)

    def start(self) -> None:
        """Begins to tick; returns at once."""
        now = datetime.now(UTC)
        for job in self._jobs:
            self._scheduler.add_job(
                self._run,
                "interval",
                (job,),
                id=job.name,
                seconds=job.every_seconds,
                next_run_time=now + timedelta(seconds=job.first_after_seconds),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Ends: running jobs finish the step they are at, and the leases are given up."""
        if self._over:
            return
        self._over = True
        self._scheduler.shutdown(wait=True)
        try:
            self._leases.release()
        except (OSError, OperationalError, InterfaceError):
            log.warning("leases not released: the database is away")

    def _run(self, job: Job) -> None:
        if self._over:
            return
        try:
            self.context.database.connect_first()
            if self._leases.hold(job.name):
                job.run(self.context, lambda: self._over or not self._leases.hold(job.name))
        except (OSError, OperationalError, InterfaceError) as error:
            log.warning("%s not done: %s", job.name, type(error).__name__)
        except Exception:
            log.exception("%s failed", job.name)


class _Threads(BasePoolExecutor):  # type: ignore[misc]
    """Native threads, also where gevent has patched threading."""

    def __init__(self, threads: int) -> None:
        super().__init__(_pool(threads))


def _pool(threads: int) -> Any:
    if monkey.is_module_patched("threading"):
        from gevent.threadpool import ThreadPoolExecutor as NativeThreads

        return NativeThreads(threads)
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(threads, thread_name_prefix="clock")


def start_clock(app: Any) -> Callable[[], None]:
    """Starts the clock of a Flask app's process; returns what stops it."""
    settings = app.extensions["settings"]
    panels = app.extensions.get("watchable", {})
    compose = app.extensions.get("compose_digest")
    clock = Clock(Context(own_database(settings), settings, panels, compose))
    clock.start()
    return clock.stop

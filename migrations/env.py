"""Alembic's entry: runs the migrations on the app's own engine, then makes what must exist."""

from alembic import context
from flask import current_app

from tracker.model import Base
from tracker.store.first_start import make_first_rows
from tracker.store.locks import lock_migrations

database = current_app.extensions["database"]

with database.write() as connection:
    lock_migrations(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if context.get_context().get_current_revision() == context.get_head_revision():
        make_first_rows(connection, current_app.extensions["settings"])

"""Alembic's entry: runs the migrations on the app's own engine."""

from alembic import context
from flask import current_app

from tracker.model import Base

engine = current_app.extensions["database"].writer

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()

"""What is asked: one topic per file, each metric a pure function (session, scope) -> rows."""

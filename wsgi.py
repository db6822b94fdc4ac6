"""The WSGI application: `wsgi:app`."""

import gc

gc.disable()  # what starting makes stays: to look through it time and again is a third of the start

from tracker import create_app
from tracker.startup import GARBAGE

app = create_app()

gc.freeze()
gc.set_threshold(*GARBAGE)
gc.enable()

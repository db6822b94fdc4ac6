"""`python -m bench [ingest|pages]`: prints the tables of docs/performance.md."""

import sys

from bench import ingest, pages
from bench.table import markdown

SECTIONS = {"ingest": ingest.rows, "pages": pages.rows}


def main(wanted: list[str]) -> None:
    for name in wanted or SECTIONS:
        print(f"\n{name}\n", flush=True)
        for line in markdown(SECTIONS[name]()):
            print(line, flush=True)


main(sys.argv[1:])

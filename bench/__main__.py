"""`python -m bench [SECTION...]`: prints the tables of docs/performance.md."""

import sys

from bench import business, deliveries, ingest, pages, privacy
from bench.table import markdown

SECTIONS = {
    "ingest": ingest.rows,
    "pages": pages.rows,
    "privacy": privacy.rows,
    "deliveries": deliveries.rows,
    "business": business.rows,
}


def main(wanted: list[str]) -> None:
    for name in wanted or SECTIONS:
        print(f"\n{name}\n", flush=True)
        for line in markdown(SECTIONS[name]()):
            print(line, flush=True)


main(sys.argv[1:])

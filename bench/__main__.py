"""`python -m bench [SECTION...]`: prints the tables of docs/performance.md.

Each section begins with how fast the machine is, without which its times say little.
"""

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
        speed = ingest.empty_view()
        print(f"\n{name}, where an empty view answers {speed:,.0f} requests/s\n", flush=True)
        for line in markdown(SECTIONS[name]()):
            print(line, flush=True)


main(sys.argv[1:])

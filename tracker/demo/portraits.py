"""Portraits for the experts: flat SVG faces, drawn from their id, always the same."""

import random
import re

from tracker.demo.experts import Expert

_GROUNDS = ("#f3d9b8", "#cfe0d2", "#f2c9b5", "#c9d8e6", "#e4d3e3", "#f5e2a8", "#d9dfc0")
_SKINS = ("#f6d5bd", "#eebf9c", "#dba57c", "#c08457", "#95603c", "#6d4329")
_HAIRS = ("#2b211d", "#4a3226", "#7a4d2b", "#a8692f", "#c99a55", "#8d8a86", "#5b2a20")
_CLOTHES = ("#1f4d3f", "#c8553d", "#2f4f74", "#7d4a63", "#d69a36", "#55606b", "#7c8c4b", "#e8dfd0")
# Index into _SKINS to draw around, 1 where nothing is said.
_USUAL_SKIN = {"Marrakech": 3, "Hanoi": 2, "Istanbul": 2, "Naples": 2, "Athens": 2}
_DARK_HAIRED = ("Hanoi", "Kyoto", "Marrakech", "Istanbul", "Athens", "Naples")
_MEN = frozenset(
    re.findall(
        r"\w+",
        "Duarte Rui Tomás Henrique Nuno Oriol Jordi Lorenzo Matteo Ciro Paolo Kostas "
        "Nikos Luka Felix Stefan Markus Callum Fergus Arnar Magnus Emre Youssef Karim "
        "Kenji Minh Quang Gonzalo Vasco",
    )
)


def portrait(expert: Expert) -> str:
    """The SVG of an expert's face on a square ground, meant to be cut round."""
    rng = random.Random("portrait " + expert.id)  # noqa: S311 - a drawing, not a secret
    skin = _SKINS[min(5, max(0, _USUAL_SKIN.get(expert.city, 1) + rng.choice([0, 0, 1, -1])))]
    hair = rng.choice(_HAIRS[:3] if expert.city in _DARK_HAIRED else _HAIRS)
    hair = "#8d8a86" if expert.years > 15 and rng.random() < 0.6 else hair
    man = expert.first_name in _MEN
    behind, before = rng.choice(_SHORT if man else _LONG)
    shirt = rng.choice(_CLOTHES)
    parts = [
        f'<rect width="120" height="120" fill="{rng.choice(_GROUNDS)}"/>',
        behind.replace("HAIR", hair),
        _body(skin, shirt, rng),
        _face(skin, rng),
        _beard(hair) if man and rng.random() < 0.45 else "",
        before.replace("HAIR", hair),
        _glasses() if rng.random() < 0.25 else "",
    ]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120">{"".join(parts)}</svg>'


def _body(skin: str, shirt: str, rng: random.Random) -> str:
    collar = rng.choice(
        (
            '<path d="M46 92l14 14l14 -14l6 5l-14 17h-12l-14 -17Z" fill="#fff" opacity=".85"/>',
            '<path d="M44 94q16 16 32 0l4 4q-20 20 -40 0Z" fill="#000" opacity=".16"/>',
            "",
        )
    )
    return (
        f'<path d="M14 124q2 -30 32 -33h28q30 3 32 33Z" fill="{shirt}"/>'
        f'<path d="M49 70h22v22q-11 12 -22 0Z" fill="{skin}"/>'
        f'<path d="M49 80q11 10 22 0v6q-11 9 -22 0Z" fill="#000" opacity=".1"/>{collar}'
    )


def _face(skin: str, rng: random.Random) -> str:
    smile = rng.choice(("M51 69q9 8 18 0", "M52 70q8 5 16 0", "M50 68q10 11 20 0q-10 4 -20 0Z"))
    fill = "#fff" if smile.endswith("Z") else "none"
    return (
        f'<circle cx="36.5" cy="58" r="5" fill="{skin}"/>'
        f'<circle cx="83.5" cy="58" r="5" fill="{skin}"/>'
        f'<path d="M37 50q0 -24 23 -24q23 0 23 24q0 34 -23 34q-23 0 -23 -34Z" fill="{skin}"/>'
        '<circle cx="45" cy="66" r="5" fill="#e0654a" opacity=".2"/>'
        '<circle cx="75" cy="66" r="5" fill="#e0654a" opacity=".2"/>'
        '<circle cx="51" cy="56" r="2.3" fill="#2a201c"/>'
        '<circle cx="69" cy="56" r="2.3" fill="#2a201c"/>'
        '<path d="M46 49q5 -3 9 -.5M65 48.5q5 -2.5 9 .5M60 57l-2.500 6.500h3.5" '
        'fill="none" stroke="#2a201c" stroke-width="1.6" stroke-linecap="round" opacity=".55"/>'
        f'<path d="{smile}" fill="{fill}" stroke="#8a3b2c" stroke-width="1.8" '
        'stroke-linecap="round"/>'
    )


def _beard(hair: str) -> str:
    return (
        f'<path d="M37 56q3 12 8 11q15 -7 30 0q5 1 8 -11q1 30 -23 31q-24 -1 -23 -31ZM52 71q8 6 16 0'
        f'q-8 -3 -16 0Z" fill="{hair}" opacity=".92"/>'
    )


def _glasses() -> str:
    return (
        '<g fill="#fff" fill-opacity=".18" stroke="#33302d" stroke-width="1.7">'
        '<circle cx="50.5" cy="56.5" r="7.5"/><circle cx="69.5" cy="56.5" r="7.5"/>'
        '<path d="M58 56q2 -1.5 4 0"/></g>'
    )


def _hair(shape: str) -> str:
    return f'<path d="{shape}" fill="HAIR"/>'


_FRINGE = _hair("M35 52q-2 -32 25 -32q27 0 25 32q-3 -14 -12 -18q-18 5 -30 2q-6 5 -8 16Z")
_PARTED = _hair("M35 56q-3 -36 25 -36q28 0 25 36q-4 -16 -20 -24q-16 6 -30 24Z")
_QUIFF = _hair("M36 48q-3 -30 22 -30q30 -2 26 30q-4 -10 -9 -13q-16 4 -30 -2q-6 4 -9 15Z")
_CROP = _hair("M37 46q0 -25 23 -25q23 0 23 25q-4 -12 -23 -13q-19 1 -23 13Z")
_BALD = '<path d="M39 46q-3 2 -3 10M81 46q3 2 3 10" stroke="HAIR" stroke-width="4" fill="none"/>'
_CURLS = "".join(
    f'<circle cx="{x}" cy="{y}" r="10" fill="HAIR"/>'
    for x, y in ((38, 42), (44, 31), (55, 25), (67, 26), (77, 33), (83, 43))
)

_SHORT = (("", _QUIFF), ("", _CROP), ("", _FRINGE), ("", _CURLS), ("", _BALD), ("", _CROP))
_LONG = (
    (_hair("M30 96q-6 -76 30 -76q36 0 30 76q-8 4 -14 0h-32q-6 4 -14 0Z"), _PARTED),
    (_hair("M32 78q-6 -58 28 -58q34 0 28 58q-6 8 -12 2h-32q-6 6 -12 -2Z"), _FRINGE),
    ('<circle cx="60" cy="17" r="12" fill="HAIR"/>', _PARTED),
    (_hair("M32 76q-4 -56 28 -56q32 0 28 56Z"), _PARTED),
    ("".join(f'<circle cx="{x}" cy="{y}" r="14" fill="HAIR"/>' for x, y in
             ((34, 48), (34, 66), (38, 80), (86, 48), (86, 66), (82, 80))), _CURLS),
)  # fmt: skip

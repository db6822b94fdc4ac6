"""Landscapes for the cards: flat SVG, drawn from the expert's city and id, always the same."""

import random
from collections.abc import Callable
from math import sin

from tracker.demo.experts import Expert

WIDTH, HEIGHT = 640, 360

# Sky top, sky bottom, sun, then three layers from far to near.
_LIGHTS = {
    "dawn": ("#f7d9c4", "#fbeee0", "#f2a778", "#d9a596", "#b0746c", "#6f4a52"),
    "noon": ("#bfe0e6", "#eaf4ee", "#fff3cf", "#9cc3b5", "#5f9385", "#2f5f58"),
    "gold": ("#f6c177", "#fbe7c0", "#fff0cf", "#dc9a5b", "#b4673f", "#6d3b30"),
    "dusk": ("#41406f", "#e59a86", "#ffd9a8", "#6d5583", "#473f6b", "#262748"),
    "night": ("#16233f", "#3b5373", "#f4eccd", "#2f4763", "#22364f", "#132238"),
    "mist": ("#d6dfe0", "#f1efe9", "#ffffff", "#b5c5c5", "#869d9f", "#51696d"),
}
_LANDS = {
    "Lisbon": "coast", "Porto": "river", "Barcelona": "coast", "Rome": "domes",
    "Naples": "volcano", "Athens": "temple", "Split": "coast", "Vienna": "domes",
    "Innsbruck": "alps", "Edinburgh": "hills", "Reykjavik": "alps", "Bergen": "fjord",
    "Istanbul": "minarets", "Marrakech": "dunes", "Kyoto": "pagoda", "Hanoi": "river",
}  # fmt: skip

Layer = Callable[[random.Random, str], str]


def scene(expert: Expert) -> str:
    """The SVG of an expert's place, in a light of its own."""
    rng = random.Random(expert.id)  # noqa: S311 - a drawing, not a secret
    light = rng.choice([name for name in _LIGHTS if expert.city != "Bergen" or name != "gold"])
    top, bottom, sun, far, middle, near = _LIGHTS[light]
    land = _LANDS[expert.city]
    parts = [
        _sky(top, bottom, rng, light, sun),
        _ridge(rng, far, base=200, swing=26),
        *(draw(rng, middle) for draw in _DRAWN[land]),
        _front(rng, land, near),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'preserveAspectRatio="xMidYMid slice">{"".join(parts)}</svg>'
    )


def _sky(top: str, bottom: str, rng: random.Random, light: str, sun: str) -> str:
    x, y = rng.randint(120, 520), rng.randint(70, 150)
    stars = "".join(
        f'<circle cx="{rng.randint(0, WIDTH)}" cy="{rng.randint(0, 150)}" r="1.4" fill="#fff" '
        f'opacity="{rng.uniform(0.3, 0.9):.1f}"/>'
        for _ in range(34 if light == "night" else 0)
    )
    return (
        f'<defs><linearGradient id="s" x2="0" y2="1"><stop stop-color="{top}"/>'
        f'<stop offset=".75" stop-color="{bottom}"/></linearGradient></defs>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#s)"/>{stars}'
        f'<circle cx="{x}" cy="{y}" r="74" fill="{sun}" opacity=".22"/>'
        f'<circle cx="{x}" cy="{y}" r="{rng.randint(30, 44)}" fill="{sun}"/>'
    )


def _ridge(rng: random.Random, colour: str, base: int, swing: int) -> str:
    """Soft hills along a sum of two waves."""
    phase, pace = rng.uniform(0, 6), rng.uniform(0.008, 0.013)
    points = [
        (x, base + swing * sin(phase + x * pace) + swing * 0.5 * sin(2.3 * phase + x * pace * 2.6))
        for x in range(0, WIDTH + 20, 20)
    ]
    line = " ".join(f"L{x} {y:.0f}" for x, y in points)
    return f'<path d="M0 {HEIGHT} {line} L{WIDTH} {HEIGHT}Z" fill="{colour}"/>'


def _peaks(rng: random.Random, colour: str) -> str:
    parts = []
    for x in range(-40, WIDTH, 150):
        left, top, half = x + rng.randint(-20, 20), rng.randint(95, 160), rng.randint(110, 150)
        middle = left + half
        parts.append(
            f'<path d="M{left} 300L{middle} {top}L{middle + half} 300Z" fill="{colour}"/>'
            f'<path d="M{middle} {top}l{-half // 4} {(300 - top) // 4}l14 -6l12 12l16 -14l'
            f'{half // 4 - 20} {(300 - top) // 4 - 26}Z" fill="#fff" opacity=".82"/>'
        )
    return "".join(parts)


def _houses(rng: random.Random, colour: str) -> str:
    """A row of gabled houses with lit windows."""
    parts, x = [], -10
    while x < WIDTH:
        width, height = rng.randint(34, 62), rng.randint(56, 120)
        top, roof = 290 - height, rng.choice([0, 14, 22])
        parts.append(
            f'<path d="M{x} 300V{top}l{width // 2} {-roof}l{width - width // 2} {roof}V300Z" '
            f'fill="{colour}"/>'
        )
        parts += [
            f'<rect x="{x + dx}" y="{top + dy}" width="6" height="9" rx="1" fill="#ffe2a0" '
            f'opacity="{rng.choice([0.15, 0.5, 0.85])}"/>'
            for dx in range(8, width - 10, 15)
            for dy in range(12, height - 20, 20)
        ]
        x += width + rng.choice([0, 0, 3])
    return "".join(parts)


def _dome(x: int, y: int, radius: int, colour: str) -> str:
    return (
        f'<path d="M{x - radius} {y}a{radius} {radius} 0 0 1 {2 * radius} 0V300H{x - radius}Z" '
        f'fill="{colour}"/><rect x="{x - 2}" y="{y - radius - 16}" width="4" height="18" '
        f'fill="{colour}"/>'
    )


def _domes(rng: random.Random, colour: str) -> str:
    places = ((150, 34), (330, 58), (500, 30))
    return "".join(_dome(x + rng.randint(-20, 20), 210, radius, colour) for x, radius in places)


def _minarets(rng: random.Random, colour: str) -> str:
    middle = rng.randint(250, 390)
    towers = "".join(
        f'<path d="M{middle + dx - 6} 300V136l6 -34l6 34V300Z" fill="{colour}"/>'
        for dx in (-120, -78, 78, 120)
    )
    return _domes(rng, colour) + _dome(middle, 206, 66, colour) + towers


def _temple(rng: random.Random, colour: str) -> str:
    x = rng.randint(180, 300)
    columns = "".join(
        f'<rect x="{x + 10 + 24 * n}" y="176" width="10" height="56" fill="{colour}"/>'
        for n in range(8)
    )
    return (
        f'<path d="M0 300L{x - 90} 250L{x - 10} 232H{x + 214}L{x + 300} 256L640 300Z" '
        f'fill="{colour}"/><path d="M{x - 4} 176L{x + 102} 138L{x + 208} 176Z" fill="{colour}"/>'
        f"{columns}"
    )


def _pagoda(rng: random.Random, colour: str) -> str:
    x = rng.randint(200, 440)
    roofs = "".join(
        f'<path d="M{x - w} {y}q{w // 2} -4 {w - 16} -22h32q{w // 2 - 16} 18 {w - 16} 22Z" '
        f'fill="{colour}"/><rect x="{x - w // 2}" y="{y}" width="{w}" height="26" '
        f'fill="{colour}" opacity=".86"/>'
        for w, y in ((84, 262), (70, 220), (56, 178), (42, 136))
    )
    return f'{roofs}<rect x="{x - 2}" y="82" width="4" height="36" fill="{colour}"/>'


def _volcano(rng: random.Random, colour: str) -> str:
    x = rng.randint(230, 380)
    return (
        f'<path d="M{x - 260} 300Q{x - 90} 250 {x - 38} 142q18 12 38 4q20 10 40 -2'
        f'Q{x + 100} 252 {x + 280} 300Z" fill="{colour}"/>'
    )


def _hills(rng: random.Random, colour: str) -> str:
    return _ridge(rng, colour, base=250, swing=34)


def _front(rng: random.Random, land: str, colour: str) -> str:
    if land in ("coast", "fjord", "river", "volcano", "minarets"):
        return _water(rng, colour)
    return _ridge(rng, colour, base=306, swing=16) + _trees(rng, colour, land)


def _water(rng: random.Random, colour: str) -> str:
    glints = "".join(
        f'<rect x="{rng.randint(0, 600)}" y="{rng.randint(300, 352)}" '
        f'width="{rng.randint(24, 90)}" height="2" rx="1" fill="#fff" opacity=".28"/>'
        for _ in range(16)
    )
    x = rng.randint(90, 520)
    boat = (
        f'<path d="M{x} 306h56l-10 14h-36Z" fill="#fdf8ee"/>'
        f'<path d="M{x + 26} 300V244l28 56ZM{x + 22} 300V256l-18 44Z" fill="#fdf8ee"/>'
    )
    return f'<rect y="288" width="{WIDTH}" height="72" fill="{colour}"/>{glints}{boat}'


def _trees(rng: random.Random, colour: str, land: str) -> str:
    if land == "dunes":
        return "".join(_palm(rng.randint(40, 600), rng.randint(40, 70), colour) for _ in range(3))
    return "".join(
        f'<path d="M{x} 322l14 {-height}l14 {height}Z" fill="{colour}"/>'
        for x, height in ((rng.randint(0, 620), rng.randint(34, 76)) for _ in range(13))
    )


def _palm(x: int, height: int, colour: str) -> str:
    top = 312 - height
    leaves = "".join(
        f'<path d="M{x} {top}q{dx} {-dy} {2 * dx} {dy // 2}q{-dx} {-dy // 3} {-2 * dx} '
        f'{-dy // 2}Z" fill="{colour}"/>'
        for dx, dy in ((18, 18), (-18, 18), (12, 34), (-12, 34))
    )
    return f'<rect x="{x - 2}" y="{top}" width="4" height="{height + 16}" fill="{colour}"/>{leaves}'


_DRAWN: dict[str, tuple[Layer, ...]] = {
    "coast": (_hills, _houses),
    "river": (_hills, _houses),
    "domes": (_domes, _houses),
    "minarets": (_minarets,),
    "temple": (_temple,),
    "pagoda": (_hills, _pagoda),
    "volcano": (_volcano,),
    "alps": (_peaks,),
    "fjord": (_peaks, _hills),
    "hills": (_hills, _houses),
    "dunes": (_hills,),
}

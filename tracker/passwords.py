"""Which passwords an operator may choose."""

SHORTEST_PASSWORD = 10


def is_long_enough(password: str) -> bool:
    """Whether it may be chosen. Blanks at its ends are part of it, but hard for nobody to guess."""
    return len(password.strip()) >= SHORTEST_PASSWORD

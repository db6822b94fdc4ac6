"""Parts of wholes."""


def ratio(part: float, whole: float) -> float | None:
    """The part over the whole; None when there is nothing to divide by."""
    return part / whole if whole else None

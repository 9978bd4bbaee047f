"""Names that look like a slip for one that would have been read."""

from __future__ import annotations

from collections.abc import Iterable

_OTHER_WORDS = {"column": "col", "columns": "col"}

_SHORTEST = 4
"""Letters of a name that a slip of one letter still resembles: of shorter ones too many words are made."""


def near_name(given: str, accepted: Iterable[str]) -> str | None:
    """Return the accepted name that a given one was likely meant to be; None where it is likely something else.

    A slip is another case, blanks or marks between letters, a plural, or one letter that is missing, added, wrong or in
    its neighbour's place; the first letter is right. ``color`` is none for ``col``, and ``height`` none for ``weight``.

    Parameters
    ----------
    given : str
    accepted : iterable of str
        Names in small letters.
    """
    letters = _letters(given)
    letters = _OTHER_WORDS.get(letters, letters)
    for name in accepted:
        own = _letters(name)
        if letters in (own, f"{own}s"):
            return name
        if len(own) >= _SHORTEST and letters[:1] == own[0] and _is_one_slip(letters, own):
            return name
    return None


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _is_one_slip(one: str, other: str) -> bool:
    """Return whether one letter was left out, added, replaced, or changed places with the next."""
    short, long = sorted((one, other), key=len)
    if len(short) == len(long):
        wrong = [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        if len(wrong) == 2:
            place, after = wrong
            return after == place + 1 and one[place] == other[after] and one[after] == other[place]
        return len(wrong) == 1
    return len(long) - len(short) == 1 and any(long[:place] + long[place + 1 :] == short for place in range(len(long)))

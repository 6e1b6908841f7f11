"""Columns that tell who a row is: their values stand in no example."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nbdeploy.validate.checks.columns import numeric

if TYPE_CHECKING:
    import pandas as pd

SUPPRESSED = "(suppressed)"

_NAMES = re.compile(
    r"(id|ids|uuid|guid|key|names?|(first|last|full|sur|fore|user)_?name|user|e?mail|phone|mobile|tel|telephone|fax)"
    r"|(addr|address|street|postal|postcode|zip|zipcode|dob|birth|birthday|birthdate|dateofbirth|ssn|nin|passport|iban)"
    r"|(licen[cs]e|plate|url|ip|mrn)"
)
"""Words of a name that say that it names a person, a household or a thing of theirs."""

_NUMBERS = re.compile(
    r"\b(account|applicant|application|card|case|client|contract|customer|employee|file|house|insurance|loan|member"
    r"|order|patient|person|policy|record|reference|security|serial|social|student|tax)"
    r" (no|nr|nbr|num|number|ref|security)\b"
)
"""Two words of a name that say so together: ``number_of_loans`` counts, ``loan_number`` is somebody's."""

_SHAPES = re.compile(
    r"[^@\s]+@[^@\s]+\.[a-z]+|https?://\S+|\d{4}-\d\d-\d\d([ T].*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
    r"|(?=(\D*\d){7})[+(]?\d[\d ()./-]*|[a-z]{2}\d\d( ?[a-z\d]{1,4}){3,}",
    re.IGNORECASE,
)
"""Values that say it themselves: an address of e-mail or of the web, a day, seven digits or more, an account (IBAN)."""

_UNIQUE = 0.9
_FEWEST = 30
"""Rows below which every number looks unique."""

_KINDS = 20
_SHARED = 10
"""Up to so many levels, each of so many rows on average, are kinds (of service, of paper), whatever they are called."""


def identifying(frame: pd.DataFrame, columns: Sequence[str]) -> frozenset[str]:
    """Return the columns that look like identifiers.

    By their values: texts, dates or whole numbers of which nine in ten rows have one of their own. Or by their name,
    with a word such as ``id``, ``name``, ``email``, ``phone``, ``address`` or ``birth``, or two such as ``patient
    number``, where the values are no short list of kinds: ``PhoneService`` is yes or no, and names nobody.
    """
    return frozenset(name for name in columns if _unique(frame[name]) or (_named(name) and not _kinds(frame[name])))


def showable(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the columns whose levels may stand in a picture: all but identifiers, of which quantities have no levels.

    A curve over the range of a quantity shows nobody's value, however many different ones there are.
    """
    hidden = identifying(frame, columns) - set(numeric(frame, columns))
    return [name for name in columns if name not in hidden]


def _named(name: str) -> bool:
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", str(name))
    words = re.split(r"[^a-z]+", apart.lower())
    return any(map(_NAMES.fullmatch, words)) or _NUMBERS.search(" ".join(words)) is not None


def _kinds(column: pd.Series) -> bool:
    """Return whether a column holds a few levels, each of many rows, that are no addresses, days or long numbers."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype

    if is_bool_dtype(column):
        return True
    known = column.dropna()
    levels = known.unique()
    if is_datetime64_any_dtype(column) or len(levels) > _KINDS or len(levels) * _SHARED > len(known):
        return False
    return not any(_SHAPES.fullmatch(str(level).strip()) for level in levels)


def _unique(column: pd.Series) -> bool:
    from pandas.api.types import is_bool_dtype, is_float_dtype

    known = column.dropna()
    if len(known) < _FEWEST or is_bool_dtype(known):
        return False
    if is_float_dtype(known) and not (known % 1 == 0).all():
        return False
    return bool(known.nunique() >= _UNIQUE * len(known))

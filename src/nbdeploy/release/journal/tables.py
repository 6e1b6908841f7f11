"""The tables of the journal, which its parts add to."""

from __future__ import annotations

import sqlalchemy as sql

TABLES = sql.MetaData()

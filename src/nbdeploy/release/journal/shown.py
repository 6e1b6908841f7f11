"""What was last shown of each model in the registry: a restarted controller sees what others moved meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sql

from nbdeploy.documents.display import Mark
from nbdeploy.release.journal.tables import TABLES
from nbdeploy.trust.database import Database

_shown = sql.Table(
    "release_shown",
    TABLES,
    sql.Column("model", sql.String(300), primary_key=True),
    sql.Column("content", sql.Text, nullable=False),
)


@dataclass(frozen=True)
class Noted:
    """What the controller last knew of what a registry shows of a model.

    Attributes
    ----------
    marks
        What it showed itself.
    left
        What others had put there instead when it last looked, None for what they removed: told once.
    """

    marks: Mapping[Mark, str] = field(default_factory=dict)
    left: Mapping[Mark, str | None] = field(default_factory=dict)


class ShownMarks:
    """The journal's memory of the registry."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def noted(self, model: str) -> Noted | None:
        """Return what was noted of a model; None when nothing ever was."""
        with self._database.reading() as connection:
            found = connection.execute(sql.select(_shown.c.content).where(_shown.c.model == model)).first()
        if found is None:
            return None
        content = json.loads(found.content)
        marks, left = ({(version, name): value for version, name, value in content[key]} for key in ("marks", "left"))
        return Noted(marks, left)

    def note(self, model: str, noted: Noted) -> None:
        """Replace what was noted of a model."""
        content = json.dumps(
            {
                "marks": [[*mark, value] for mark, value in noted.marks.items()],
                "left": [[*mark, value] for mark, value in noted.left.items()],
            }
        )
        with self._database.writing() as connection:
            connection.execute(_shown.delete().where(_shown.c.model == model))
            connection.execute(_shown.insert().values(model=model, content=content))

"""The journal: what the controller did and was asked for, in the ledger's database, so that a killed one resumes."""

from __future__ import annotations

from nbdeploy.errors import ServiceError
from nbdeploy.release.journal.alerts import Alert as Alert
from nbdeploy.release.journal.alerts import Alerts
from nbdeploy.release.journal.commands import Command as Command
from nbdeploy.release.journal.commands import Commands
from nbdeploy.release.journal.commands import Verb as Verb
from nbdeploy.release.journal.lease import Lease
from nbdeploy.release.journal.releases import ACTIVE as ACTIVE
from nbdeploy.release.journal.releases import Journaled as Journaled
from nbdeploy.release.journal.releases import Releases
from nbdeploy.release.journal.shown import Noted as Noted
from nbdeploy.release.journal.shown import ShownMarks
from nbdeploy.release.journal.tables import TABLES
from nbdeploy.trust.database import Database

_LOCK = 0x6E62726C  # "nbrl": PostgreSQL's advisory lock of journal writers


class Journal(Releases, Commands, Alerts, ShownMarks, Lease):
    """The journal of all releases behind one ledger.

    Parameters
    ----------
    url
        The ledger's SQLAlchemy URL.

    Raises
    ------
    ServiceError
        From every method: the database cannot be opened, read or written. What was written stays.
    """

    def __init__(self, url: str) -> None:
        super().__init__(Database(url, TABLES, lock=_LOCK, name="the journal", complaint=ServiceError))

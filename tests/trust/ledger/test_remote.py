"""A team's ledger from afar: the service takes what the policy's people signed, and readers believe it nothing."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.admission.world import NOW, World, key, policy
from tests.trust.answering import answering

from nbdeploy.approve.record import read_chain
from nbdeploy.approve.standing import standing
from nbdeploy.documents.statements import ObjectivePredicate
from nbdeploy.errors import (
    ClockError,
    FormatError,
    LogError,
    NbdeployError,
    ServiceError,
    SettingsError,
    SignatureError,
)
from nbdeploy.trust.digests import bytes_digest
from nbdeploy.trust.envelopes import sign
from nbdeploy.trust.ledger import checkpoints
from nbdeploy.trust.ledger.http import check_url
from nbdeploy.trust.ledger.remote import RemoteLedger
from nbdeploy.trust.ledger.service import MAX_ENVELOPE, PAGE_BYTES, LedgerService
from nbdeploy.trust.ledger.store import Ledger

HOUR = timedelta(hours=1)


def envelope(number: int, *, by: str = "bench", at: datetime = NOW - HOUR) -> bytes:
    predicate = ObjectivePredicate(name=f"objective {number}", model="m", declared=at, by="Ana")
    return sign(predicate, {"objective": bytes_digest(str(number).encode())}, key(by))


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(tmp_path: Path, clock: Clock) -> Ledger:
    """The ledger as its service holds it."""
    return Ledger(f"sqlite:///{tmp_path}/service/ledger.db", key("ledger"), seen=tmp_path / "service/seen", clock=clock)


@pytest.fixture
def url(kept: Ledger, clock: Clock) -> Iterator[str]:
    named = policy(ledger=key("ledger").public)
    with answering(LedgerService(kept, lambda: named, clock=clock).app) as found:
        yield found


@pytest.fixture
def open_it(tmp_path: Path, clock: Clock) -> Callable[..., RemoteLedger]:
    def opened(url: str, folder: str = "reader", **options) -> RemoteLedger:
        options = {"public": key("ledger").public, "clock": clock} | options
        return RemoteLedger(url, folder=tmp_path / folder, **options)

    return opened


# The ordinary way -----------------------------------------------------------------------------------------------------


def test_what_one_logs_another_reads_and_verifies(url: str, open_it, kept: Ledger):
    writer, reader = open_it(url, "writer"), open_it(url, "reader")
    assert (reader.size, reader.verify()) == (0, [])
    entries = [writer.append(envelope(n)) for n in range(7)]
    assert reader.verify() == entries == kept.verify()
    assert reader.entries(4) == entries[5:]
    assert (reader.size, reader.root(), reader.level) == (7, kept.root(), "team")
    assert checkpoints.read(reader.checkpoint(), key("ledger").public).size == 7
    assert reader.inclusion(3) == kept.inclusion(3)
    assert reader.consistency(5) == kept.consistency(5)
    for beyond in (7, -1):
        with pytest.raises(LogError):
            reader.inclusion(beyond)


def test_the_same_envelope_twice_is_one_entry(url: str, open_it):
    """Case A10: whoever does not hear the answer sends it again."""
    ledger = open_it(url)
    first, other, again = ledger.append(envelope(1)), ledger.append(envelope(2)), ledger.append(envelope(1))
    assert (first.index, other.index, again.index, ledger.size) == (0, 1, 0, 2)


def test_a_request_is_made_and_approved_through_the_service(tmp_path: Path, kept: Ledger):
    world = World(tmp_path / "project", policy=policy(ledger=key("ledger").public))
    with answering(LedgerService(kept, lambda: world.policy).app) as url:
        world.ledger = RemoteLedger(url, public=key("ledger").public, folder=tmp_path / "author")
        request = world.requested()
        world.sign(request)
        reader = RemoteLedger(url, public=key("ledger").public, folder=tmp_path / "deployer")
        chain = read_chain(reader.verify(), world.policy, NOW, ledger=reader.public)
    assert chain.ignored == []
    assert standing(chain, request.id, world.policy, NOW).state == "approved"


def watch(ledger: RemoteLedger, asked: list[int]) -> None:
    """Note what is fetched."""
    fetch = ledger._calls.entries
    ledger._calls.entries = lambda after: asked.append(after) or fetch(after)


def test_a_long_ledger_is_fetched_in_pages_and_only_once(url: str, open_it, kept: Ledger, tmp_path: Path):
    for n in range(3):
        kept.append(bytes([n]) * (PAGE_BYTES // 2 + 1))
    kept.append(b"short")
    ledger = open_it(url)
    asked: list[int] = []
    watch(ledger, asked)
    entries = ledger.verify()
    assert entries == kept.verify()
    assert asked == [-1, 0, 1]
    asked.clear()
    again = open_it(url)
    watch(again, asked)
    assert again.verify() == entries
    assert asked == []
    kept.append(b"one more")
    assert len(again.verify()) == len(entries) + 1
    assert asked == [len(entries) - 1]


def test_a_cache_that_was_changed_is_fetched_again(url: str, open_it, kept: Ledger, tmp_path: Path):
    for n in range(5):
        kept.append(envelope(n))
    entries = open_it(url).verify()
    cache = tmp_path / "reader" / "ledger-entries.db"
    import sqlite3

    for change in ("UPDATE entries SET envelope = x'00' WHERE number = 2", "DELETE FROM entries WHERE number = 1"):
        database = sqlite3.connect(cache)
        with database:
            database.execute(change)
        database.close()
        assert open_it(url).verify() == entries
    cache.write_bytes(b"no database" * 1000)
    assert open_it(url).verify() == entries


# What the service takes -----------------------------------------------------------------------------------------------

NOT_TAKEN = [
    ("D3 no JSON", b"hello", FormatError),
    ("D3 more than an envelope may have", b"x" * (MAX_ENVELOPE + 1), FormatError),
    ("D3 nothing", b"", FormatError),
    ("signed by nobody that the policy names", "Stranger", SignatureError),
    ("A8 two days ahead of the service's clock", 2, ClockError),
]


@pytest.mark.parametrize(("given", "refused"), [case[1:] for case in NOT_TAKEN], ids=[case[0] for case in NOT_TAKEN])
def test_what_does_not_count_is_not_taken(url: str, open_it, kept: Ledger, given, refused):
    data = given
    if isinstance(given, str):
        data = envelope(1, by=given)
    elif isinstance(given, int):
        data = envelope(1, at=NOW + timedelta(days=given))
    with pytest.raises(refused):
        open_it(url).append(data)
    assert kept.size == 0


def test_a_signer_whose_clock_is_behind_is_taken_with_the_ledgers_order(url: str, open_it):
    """Case A8: what was logged later was made no earlier, whatever it says; the order is the proof."""
    ledger = open_it(url)
    ledger.append(envelope(1))
    assert ledger.append(envelope(2, at=NOW - timedelta(days=2))).index == 1


def test_a_key_that_does_not_count_today_signs_nothing(kept: Ledger, open_it, clock: Clock):
    named = policy(ledger=key("ledger").public, until={"Vera": NOW.date() - timedelta(days=1)})
    with answering(LedgerService(kept, lambda: named, clock=clock).app) as url, pytest.raises(NbdeployError) as refused:
        open_it(url).append(envelope(1, by="Vera"))
    assert refused.value.code == "E-EXPIRED"


@pytest.mark.parametrize(
    "path",
    ["entries", "entries?after=x", "entries?after=-2", "entries?after=1e3", "consistency?first=1",
     "inclusion?index=0", "inclusion?index=9&size=3", "inclusion?index=0&size=99", "consistency?first=5&second=2",
     "inclusion?index=0&size=0"],
)  # fmt: skip
def test_a_bad_question_is_a_refusal_and_no_crash(url: str, kept: Ledger, path: str):
    """Case L4 among them: there is no proof for an index beyond the size, nor in a tree of none."""
    kept.append(b"one")
    answer = httpx.get(f"{url}/ledger/{path}")
    assert answer.status_code in (400, 409)
    assert answer.json()["code"] in ("E-FORMAT", "E-LOG")


@pytest.mark.parametrize(("method", "path"), [("PUT", "entries"), ("DELETE", "entries"), ("POST", "checkpoint")])
def test_nothing_can_be_changed_or_deleted(url: str, method: str, path: str):
    assert httpx.request(method, f"{url}/ledger/{path}").status_code == 405


@pytest.mark.parametrize("given", [None, "wrong", "sécret"], ids=str)
def test_a_service_with_a_token_answers_nobody_without_it(kept: Ledger, open_it, clock: Clock, given: str | None):
    named = policy(ledger=key("ledger").public)
    with answering(LedgerService(kept, lambda: named, token="s3cret", clock=clock).app) as url:
        assert open_it(url, token="s3cret").append(envelope(1)).index == 0
        headers = {} if given is None else {"Authorization": f"Bearer {given}".encode()}
        for method, path in (("GET", "checkpoint"), ("GET", "entries?after=-1"), ("POST", "entries")):
            assert httpx.request(method, f"{url}/ledger/{path}", headers=headers).status_code == 401
        with pytest.raises(SignatureError, match="asks for a token"):
            open_it(url, "other").verify()


# What a service may say that is not so --------------------------------------------------------------------------------


def relayed(kept: Ledger, change: Callable[[str, bytes], bytes | int], clock: Callable[[], datetime]) -> Starlette:
    """The real service behind somebody who changes what it says."""
    named = policy(ledger=key("ledger").public)
    service = LedgerService(kept, lambda: named, clock=clock)

    async def between(request: Request) -> Response:
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            answer = await client.request(request.method, str(request.url.path), params=request.query_params,
                                          content=await request.body())  # fmt: skip
        changed = change(request.url.path.rpartition("/")[2], answer.content)
        return Response(status_code=changed) if isinstance(changed, int) else Response(changed, answer.status_code)

    return Starlette(routes=[Route("/{path:path}", between, methods=["GET", "POST"])])


def edited(**changes) -> Callable[[bytes], bytes]:
    def edit(body: bytes) -> bytes:
        content = json.loads(body)
        return json.dumps(content | {name: change(content[name]) for name, change in changes.items()}).encode()

    return edit


B64 = base64.b64encode
NODE = "00" * 32
LIES = [
    ("L1 the last entry withheld", "entries", edited(entries=lambda e: e[:-1]), LogError),
    ("L1 an entry edited", "entries", edited(entries=lambda e: [B64(b"x").decode(), *e[1:]]), LogError),
    ("L1 two entries swapped", "entries", edited(entries=lambda e: [e[1], e[0], *e[2:]]), LogError),
    ("L1 an entry added in front", "entries", edited(entries=lambda e: [B64(b"x").decode(), *e]), LogError),
    ("L1 all entries withheld", "entries", edited(entries=lambda _: []), LogError),
    ("entries that are none", "entries", edited(entries=lambda _: [1]), ServiceError),
    ("entries that are no base64", "entries", edited(entries=lambda _: ["?"]), ServiceError),
    ("a checkpoint of another size", "checkpoint", lambda body: body.replace(b"\n4\n", b"\n3\n"), LogError),
    ("a checkpoint of nothing", "checkpoint", lambda _: b"", LogError),
    ("a checkpoint that is no text", "checkpoint", lambda _: b"\xff\xfe", ServiceError),
    ("a list where a table should be", "entries", lambda _: b"[]", ServiceError),
    ("a page of HTML", "entries", lambda _: b"<html>", ServiceError),
    ("an error without a reason", "entries", lambda _: 502, ServiceError),
    ("another place", "checkpoint", lambda _: 302, ServiceError),
]


@pytest.mark.parametrize(("path", "change", "refused"), [c[1:] for c in LIES], ids=[c[0] for c in LIES])
def test_a_reader_believes_the_service_nothing(  # noqa: PLR0917 - fixtures, and a table's columns
    kept: Ledger, open_it, clock: Clock, path, change, refused
):
    for n in range(4):
        kept.append(envelope(n))
    lie = relayed(kept, lambda asked, body: change(body) if asked == path else body, clock)
    with answering(lie) as url, pytest.raises(refused) as told:
        open_it(url).verify()
    assert "\n" not in str(told.value)
    with answering(relayed(kept, lambda _, body: body, clock)) as url:
        assert open_it(url).verify() == kept.verify()


LOGGED = [
    ("L4 the proof of another index", edited(index=lambda i: i - 1), LogError),
    ("L4 an extra node", edited(proof=lambda p: [*p, NODE]), LogError),
    ("L4 a missing node", edited(proof=lambda p: p[:-1]), LogError),
    ("L4 another node", edited(proof=lambda p: [NODE, *p[1:]]), LogError),
    ("an index that is true", edited(index=lambda _: True), ServiceError),
    ("no index", edited(index=lambda _: None), ServiceError),
    ("a node that is no hash", edited(proof=lambda _: ["zz"]), ServiceError),
    ("a checkpoint that nobody signed", edited(checkpoint=lambda c: c.replace("\n5\n", "\n6\n")), LogError),
]


@pytest.mark.parametrize(("change", "refused"), [case[1:] for case in LOGGED], ids=[case[0] for case in LOGGED])
def test_what_was_logged_must_be_shown_to_be_there(kept: Ledger, open_it, clock: Clock, change, refused):
    for n in range(4):
        kept.append(envelope(n))
    lie = relayed(kept, lambda asked, body: change(body) if asked == "entries" else body, clock)
    with answering(lie) as url, pytest.raises(refused):
        open_it(url).append(envelope(4))


def history(folder: Path, envelopes: list[bytes], clock: Clock) -> Ledger:
    """Another ledger of the same key."""
    ledger = Ledger(f"sqlite:///{folder}/ledger.db", key("ledger"), clock=clock)
    for one in envelopes:
        ledger.append(one)
    return ledger


FORKS = [
    ("L3 an older copy", [0, 1, 2], "and 5 were seen here before"),
    ("L3 an empty ledger", [], "and 5 were seen here before"),
    ("L2 a fork of the same size", [0, 1, 2, 3, 9], "not the ones seen here before"),
    ("L2 a longer fork", [0, 1, 2, 9, 8, 7, 6], "not the ones seen here before"),
]


@pytest.mark.parametrize(("numbers", "told"), [case[1:] for case in FORKS], ids=[case[0] for case in FORKS])
def test_another_history_is_refused_by_its_proof_and_both_notes_are_kept(  # noqa: PLR0917 - fixtures, and a table's
    kept: Ledger, open_it, clock: Clock, tmp_path: Path, numbers, told: str
):
    """The service itself rewrites: every checkpoint is signed well, and every proof is one of its own tree."""
    for n in range(5):
        kept.append(envelope(n))
    named = policy(ledger=key("ledger").public)
    with answering(LedgerService(kept, lambda: named, clock=clock).app) as url:
        open_it(url).verify()
    remembered = (tmp_path / "reader" / "ledger.seen").read_text("utf-8")
    other = history(tmp_path / "other", [envelope(n) for n in numbers], clock)
    with answering(LedgerService(other, lambda: named, clock=clock).app) as url:
        for act in (lambda: open_it(url).verify(), lambda: open_it(url).size, lambda: open_it(url).append(envelope(5))):
            with pytest.raises(LogError, match=told):
                act()
        now = httpx.get(f"{url}/ledger/checkpoint").text
    assert (tmp_path / "reader" / "ledger.seen").read_text("utf-8") == remembered
    evidence = (tmp_path / "reader" / "ledger.seen.fork-5").read_text("utf-8")
    assert remembered in evidence
    assert now.splitlines()[0] in evidence.removeprefix(remembered)


# Time -----------------------------------------------------------------------------------------------------------------


def test_the_service_signs_again_so_that_what_is_old_can_be_told(url: str, open_it, kept: Ledger, clock: Clock):
    """Case L3: a freeze shows as age, as long as the service itself keeps signing."""
    kept.append(envelope(1))
    reader = open_it(url, max_age=HOUR)
    first = reader.checkpoint()
    clock.now = NOW + timedelta(minutes=4)
    assert reader.checkpoint() == first
    clock.now = NOW + timedelta(days=3)
    later = checkpoints.read(reader.checkpoint(), reader.public)
    assert (later.size, later.time) == (1, clock.now)


def frozen(kept: Ledger, note: str, clock: Callable[[], datetime]) -> Starlette:
    """A service that somebody shows an old state of."""
    return relayed(kept, lambda asked, body: note.encode() if asked == "checkpoint" else body, clock)


def test_a_frozen_checkpoint_is_refused_when_it_is_too_old(kept: Ledger, open_it, clock: Clock):
    """Case L3."""
    kept.append(envelope(1))
    with answering(frozen(kept, kept.checkpoint(), clock)) as url:
        reader, unlimited = open_it(url, max_age=HOUR), open_it(url, "unlimited")
        assert len(reader.verify()) == len(unlimited.verify()) == 1
        clock.now = NOW + timedelta(minutes=61)
        with pytest.raises(LogError, match="newer entries may be hidden"):
            reader.verify()
        assert len(unlimited.verify()) == 1


def test_an_earlier_checkpoint_of_the_same_tree_is_a_rollback(kept: Ledger, open_it, clock: Clock):
    """Case L3: who may show any older note may also keep what was logged since from being seen."""
    kept.append(envelope(1))
    old = kept.checkpoint()
    clock.now = NOW + HOUR
    new = kept.refresh()
    with answering(frozen(kept, new, clock)) as url:
        assert len(open_it(url).verify()) == 1
    with (
        answering(frozen(kept, old, clock)) as url,
        pytest.raises(LogError, match="older than the one of 2026-11-21 13"),
    ):
        open_it(url).verify()


def test_a_reader_whose_clock_is_behind_what_it_saw_decides_nothing(url: str, open_it, kept: Ledger, tmp_path: Path):
    """Case A8: verifier clock behind the last-seen checkpoint."""
    kept.append(envelope(1))
    open_it(url).verify()
    slow = Clock()
    slow.now = NOW - timedelta(days=2)
    with pytest.raises(ClockError):
        open_it(url, clock=slow).verify()
    slow.now = NOW - timedelta(minutes=3)
    assert len(open_it(url, clock=slow).verify()) == 1


def test_a_service_whose_clock_went_back_signs_nothing(kept: Ledger, clock: Clock):
    """Case A8: its readers would take the new checkpoint for a rollback."""
    kept.append(envelope(1))
    clock.now = NOW - HOUR
    with pytest.raises(ClockError, match="set the clock"):
        kept.append(envelope(2))
    clock.now = NOW - timedelta(minutes=2)
    kept.append(envelope(2))
    assert checkpoints.read(kept.checkpoint(), kept.public).time == NOW


# What is remembered ---------------------------------------------------------------------------------------------------


def test_a_machine_that_forgot_starts_with_the_pinned_key_and_a_warning(
    url: str, open_it, kept: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Case P2."""
    kept.append(envelope(1))
    open_it(url).verify()
    (tmp_path / "reader" / "ledger.seen").unlink()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert len(open_it(url).verify()) == 1
    assert "for the first time (entries: 1" in caplog.text
    assert (tmp_path / "reader" / "ledger.seen").is_file()


def test_a_machine_that_forgot_asks_for_a_fresh_checkpoint(kept: Ledger, open_it, clock: Clock, tmp_path: Path):
    """Case P2: what it cannot compare with its memory must at least be of today."""
    kept.append(envelope(1))
    with answering(frozen(kept, kept.checkpoint(), clock)) as url:
        open_it(url).verify()
        clock.now = NOW + timedelta(hours=25)
        assert len(open_it(url).verify()) == 1
        (tmp_path / "reader" / "ledger.seen").unlink()
        with pytest.raises(LogError, match="older than the 24 hours"):
            open_it(url).verify()


def test_another_ledgers_key_is_refused(url: str, open_it, kept: Ledger):
    kept.append(envelope(1))
    with pytest.raises(LogError, match="signed by another key"):
        open_it(url, public=key("other ledger").public).verify()


# Addresses ------------------------------------------------------------------------------------------------------------


def test_a_service_that_is_away_is_one_sentence(open_it):
    with pytest.raises(ServiceError, match="does not answer") as refused:
        open_it("http://127.0.0.1:9").append(b"{}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    ["http://ledger.example.org", "https://user:secret@ledger.example.org", "https://ledger.example.org?token=secret",
     "ftp://127.0.0.1", "https://", "http://127.0.0.1.example.org"],
)  # fmt: skip
def test_an_address_that_leaks_or_leads_nowhere_is_refused(address: str):
    with pytest.raises(SettingsError) as refused:
        check_url(address)
    assert "secret" not in str(refused.value)


def test_an_encrypted_address_or_this_machine_is_taken():
    for address in ("https://ledger.example.org", "http://127.0.0.1:8090", "http://localhost", "http://[::1]:8090"):
        check_url(address)
    assert datetime.now(UTC).tzinfo is UTC

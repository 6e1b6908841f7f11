"""Keys and the policy as people handle them: import, rotate, propose, sign, adopt."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nbdeploy import flow
from nbdeploy.cli import main
from nbdeploy.errors import KeyFileError, PolicyError
from nbdeploy.release.authority import Authority, memory_of
from nbdeploy.settings import FILE, read_settings
from nbdeploy.trust.keys import Signer, is_encrypted, load_key
from nbdeploy.trust.ledger.store import Ledger
from nbdeploy.trust.policy.file import read_policy

PASSPHRASE = b"a passphrase"
ROOTS = ("Root One", "Root Two", "Root Three")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NBDEPLOY_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("NBDEPLOY_PROJECT", raising=False)
    root = tmp_path / "project"
    flow.init(root, preset="regulated", person="Author")
    monkeypatch.chdir(root)
    return root


def make(name: str) -> str:
    return flow.create_key(name, passphrase=PASSPHRASE)[1]


def sign(name: str) -> flow.PolicySigned:
    return flow.sign_policy_file(None, key=Path(name), passphrase=lambda: PASSPHRASE)


def name_roots(root: Path) -> list[str]:
    """Let three roots sign version 2, by two of them."""
    publics = [make(name) for name in ROOTS]
    text = (root / "policy.toml").read_text().replace("version = 1", "version = 2")
    listed = ", ".join(f'"{public}"' for public in publics)
    (root / "policy.toml").write_text(f"{text}\n[roots]\nkeys = [{listed}]\nthreshold = 2\n")
    assert "1 of 2" in str(sign(ROOTS[0]))
    assert "Enough roots signed it" in str(sign(ROOTS[1]))
    return publics


def deployer(root: Path) -> Authority:
    settings = read_settings(root / FILE)
    ledger = Ledger(settings.ledger_url, load_key(settings.state / "keys" / "ledger.pem", None))
    return Authority(ledger, root / "policy.toml", lambda: datetime.now(UTC), memory_of(settings))


def test_a_signed_policy_goes_from_proposal_to_the_deployer(project: Path):
    publics = name_roots(project)
    with pytest.raises(PolicyError, match="nothing here says whose signatures count"):
        deployer(project).read_policy()
    with (project / FILE).open("a") as stream:
        stream.write(f'\n[policy]\nroot = ["{publics[0]}", "{publics[1]}"]\nthreshold = 2\n')
    running = deployer(project)
    assert running.read_policy().version == 2

    proposed = flow.propose(add=[("Second", ["validator"], make("Second"))])
    assert (proposed.policy.version, [change.text for change in proposed.changes]) == (3, ["new, as validator"])
    assert running.read_policy().version == 2  # a proposal changes nothing
    sign(ROOTS[2])
    with pytest.raises(PolicyError, match="signed by 1 of the roots of policy 2"):
        flow.adopt()
    sign(ROOTS[0])
    assert "is this project's policy now" in str(flow.adopt())
    assert running.read_policy().version == 3
    assert {file.name for file in (project / "policies").iterdir()} == {"2.toml", "2.toml.sig.json"}

    # K2: what is put in its place while it runs is held to what was in force, which stays so for what runs.
    signed = (project / "policy.toml").read_bytes()
    (project / "policy.toml").write_bytes(signed + b"# more\n")
    with pytest.raises(PolicyError, match="another policy 3 than the one"):
        running.read_policy()
    assert running.policy().version == 3
    (project / "policy.toml").write_bytes(signed)
    assert deployer(project).read_policy().version == 3


def test_a_proposal_that_goes_on_loses_its_signatures(project: Path):
    name_roots(project)
    flow.propose(add=[("Second", ["validator"], make("Second"))])
    sign(ROOTS[0])
    again = flow.propose(add_role=[("Second", "auditor")])
    assert again.policy.people[-1].roles == ("validator", "auditor")
    assert "by 1 of 2" in str(sign(ROOTS[0]))


def test_only_roots_sign_a_policy_and_only_with_a_passphrase(project: Path):
    make("Nobody")
    with pytest.raises(PolicyError, match="names no roots"):
        sign("Nobody")
    name_roots(project)
    with pytest.raises(PolicyError, match="is no root of this policy"):
        sign("Nobody")
    service = project / ".nbdeploy/keys/controller.pem"
    file = project / "other.toml"
    file.write_text(f'version = 1\n[roots]\nkeys = ["{load_key(service, None).public}"]\n')
    with pytest.raises(KeyFileError, match="has no passphrase, and a person decides only"):
        flow.sign_policy_file(file, key=service, passphrase=never)


def test_a_signed_policy_is_not_changed_in_place(project: Path):
    flow.add_person("Second", roles=["validator"], public=make("Second"))
    assert flow.show_policy().policy.version == 2
    (project / "policy.toml").write_text((project / "policy.toml").read_text().replace("version = 2", "version = 1"))
    name_roots(project)
    with pytest.raises(PolicyError, match="changes by a proposal"):
        flow.add_person("Third", roles=["validator"], public=make("Third"))


def test_revoking_a_key_writes_down_how_long_the_ledger_is(project: Path):
    public = make("Second")
    flow.add_person("Second", roles=["validator"], public=public)
    proposed = flow.propose(revoke=[public])
    key = proposed.policy.people[-1].keys[0]
    assert key.revoked is not None
    assert key.entries == 0
    assert [change.kind for change in proposed.changes] == ["tightened"]


def test_a_regulated_project_says_who_may_do_what(project: Path):
    text = str(flow.show_policy())
    assert "production, models of high risk: 2 people with the role validator and 1 person with the role risk" in text
    assert "judges every group of" in text
    assert "50 rows or more" in text
    checked = flow.check_policy()
    assert checked.exit_code == 1
    assert "production: nothing can be approved" in str(checked)
    for name, role in (("V", "validator"), ("W", "validator"), ("R", "risk")):
        flow.add_person(name, roles=[role], public=make(name))
    assert flow.check_policy().problems == ()


def test_every_verb_answers_on_the_command_line(project: Path, capsys: pytest.CaptureFixture[str]):
    said = {}
    for words in (
        ("policy", "show"),
        ("policy", "check"),
        ("policy", "propose", "--add", "Second", "validator"),
        ("policy", "diff", "policy.toml", "policy.next.toml"),
        ("policy", "adopt"),
        ("policy", "check", "missing.toml"),
        ("key", "show", ".nbdeploy/keys/workstation.pem"),
    ):
        with pytest.raises(SystemExit) as done:
            main(list(words))
        out = capsys.readouterr()
        said[words[:2]] = (done.value.code, out.out + out.err)
        assert "Traceback" not in out.err
    assert said["policy", "propose"][0] == 0
    assert "✕ looser  person Second  new, as validator" in said["policy", "diff"][1]
    assert said["policy", "check"] == (
        1,
        "nbdeploy: E-POLICY there is no file missing.toml. Next: nbdeploy init makes a project with a policy\n",
    )
    assert said["key", "show"][1].startswith("ed25519:")
    assert read_policy((project / "policy.toml").read_bytes()).version == 2


# Keys -----------------------------------------------------------------------------------------------------------------


def ssh_key(file: Path) -> Signer:
    signer = Signer(Ed25519PrivateKey.generate())
    file.write_bytes(signer.private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    file.chmod(0o600)
    file.with_suffix(".pub").write_bytes(
        signer.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" me@here\n"
    )
    return signer


def never() -> bytes:
    raise AssertionError("nobody should be asked for a passphrase")


def test_a_key_of_openssh_is_stored_encrypted_and_the_source_stays(project: Path, tmp_path: Path):
    signer = ssh_key(tmp_path / "id_ed25519")
    before = (tmp_path / "id_ed25519").read_bytes()
    stored = flow.import_key(tmp_path / "id_ed25519", "Vera", passphrase=never, new=lambda: PASSPHRASE)
    assert stored.public == signer.public
    assert is_encrypted(stored.file)
    assert stat.S_IMODE(stored.file.stat().st_mode) == 0o600
    assert load_key(stored.file, PASSPHRASE).public == signer.public
    assert (tmp_path / "id_ed25519").read_bytes() == before
    assert flow.public_key(tmp_path / "id_ed25519.pub", never) == signer.public
    with pytest.raises(KeyFileError, match="never overwritten"):
        flow.import_key(tmp_path / "id_ed25519", "Vera", passphrase=never, new=never)
    with pytest.raises(KeyFileError, match="empty"):
        flow.import_key(tmp_path / "id_ed25519", "Other", passphrase=never, new=lambda: b"")
    with pytest.raises(KeyFileError, match="is a public key"):
        flow.import_key(tmp_path / "id_ed25519.pub", "Vera", passphrase=never, new=never)
    assert not (tmp_path / "keys" / "other.pem").exists()


def test_a_rotated_key_stands_beside_the_old_one_and_the_policy_follows(project: Path, tmp_path: Path):
    old = make("Vera")
    flow.add_person("Vera", roles=["validator"], public=old)
    before = (tmp_path / "keys" / "vera.pem").read_bytes()
    made = flow.rotate_key(Path("Vera"), passphrase=lambda: PASSPHRASE, new=lambda: b"another one")
    assert (made.file.name, made.owner, made.old) == ("vera-2.pem", "Vera", old)
    assert (tmp_path / "keys" / "vera.pem").read_bytes() == before
    assert load_key(made.file, b"another one").public == made.public
    assert f"nbdeploy policy propose --rotate {old} {made.public}" in str(made)
    policy = flow.propose(rotate=[(old, made.public)]).policy
    today = datetime.now(UTC)
    assert policy.who(old, today).name == policy.who(made.public, today).name == "Vera"
    again = flow.rotate_key(Path("vera-2"), passphrase=lambda: b"another one", new=lambda: PASSPHRASE)
    assert again.file.name == "vera-3.pem"


def test_a_service_key_is_replaced_by_one_without_a_passphrase(project: Path):
    made = flow.rotate_key(project / ".nbdeploy/keys/workstation.pem", passphrase=never, new=never)
    assert made.owner == "workstation"
    assert not is_encrypted(made.file)


def test_a_change_that_cannot_be_is_told_as_the_change_and_not_as_the_policy(project: Path):
    flow.add_person("Vera", roles=["validator"], public=(public := make("Vera")))
    before = (project / "policy.toml").read_bytes()
    with pytest.raises(PolicyError, match=r"with this change .* one key belongs to 'Vera' and to 'Otto'"):
        flow.add_person("Otto", roles=["validator"], public=public)
    assert (project / "policy.toml").read_bytes() == before


def test_a_proposal_that_changes_nothing_says_so(project: Path):
    assert "it asks what the one before asks" in str(flow.propose())
    assert "1 of its changes lets more through" in str(flow.propose(add=[("Otto", ["validator"], None)]))

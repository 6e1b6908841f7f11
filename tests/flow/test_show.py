from __future__ import annotations

from nbdeploy.flow.show import Shown, Table


def test_a_long_cell_goes_on_below_itself_and_widens_no_other_row():
    said = "acknowledged fairness.demographic_parity_ratio:sex; " * 8
    text = Shown(
        "What was done", tables=[Table(("who", "did", "entry"), [("Author", "asked", "1"), ("Validator", said, "2")])]
    ).text()
    lines = text.splitlines()
    assert max(map(len, lines)) < 120
    assert lines[3].split() == ["Author", "asked", "1"]
    words = [word for line in lines[4:] for word in line.split()]
    assert (words.pop(0), words.count("2")) == ("Validator", 1)
    assert [word for word in words if word != "2"] == said.split()
    assert lines[4].endswith("2")


def test_a_digest_stays_in_one_piece_and_an_empty_cell_keeps_its_place():
    digest = "sha256:" + "ab" * 40
    text = Shown(
        "Files", tables=[Table(("path", "digest", "why"), [("model.pkl", digest, ""), ("MLmodel", "", "none")])]
    ).text()
    assert digest in text
    assert text.splitlines()[-1].split() == ["MLmodel", "none"]

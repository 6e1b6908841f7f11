"""Key charts where no style sheet reaches."""

from __future__ import annotations

import base64
from xml.etree import ElementTree as ET

import card_examples
import pytest

from nbdeploy.report import views
from nbdeploy.report.assemble import assemble
from nbdeploy.report.pictures import key_pictures

SVG = "{http://www.w3.org/2000/svg}"


def card_of(name: str):
    return assemble(getattr(card_examples, name)(), card_examples.digest("e"))


def drawn(address: str) -> ET.Element:
    kind, _, content = address.partition(",")
    assert kind == "data:image/svg+xml;base64"
    return ET.fromstring(base64.b64decode(content))  # noqa: S314 - what was drawn just above


@pytest.mark.parametrize("name", ["passing", "failing", "mostly_missing", "sixty_groups", "hostile"])
def test_every_picture_is_a_whole_drawing_that_asks_for_nothing(name):
    pictures = key_pictures(card_of(name))
    assert pictures
    for one in pictures:
        elements = list(drawn(one.address).iter())
        assert {element.tag.removeprefix(SVG) for element in elements} <= {
            *("svg", "style", "rect", "line", "circle", "text", "title", "path", "polyline", "polygon", "g"),
        }
        assert not any("href" in key or key.startswith("on") for element in elements for key in element.attrib)
        style = next(element.text for element in elements if element.tag == f"{SVG}style")
        assert ".c-dot" in style
        assert "--ink" in style
        assert "url(" not in style


def test_the_words_of_a_picture_stand_in_every_form():
    card = card_of("failing")
    words = [word for one in key_pictures(card) for word in one.words]
    assert any("Demographic parity ratio by sex: 0." in word for word in words)
    assert any(word.startswith("Most important first: ") for word in words)
    text = views.card_text(card)
    assert all(word in text for word in words)
    assert all(word in views.card_html(card) for word in words if word.isascii() and "'" not in word)


def test_a_notebook_stays_small():
    assert len(views.card_html(card_of("sixty_groups"))) < 150_000

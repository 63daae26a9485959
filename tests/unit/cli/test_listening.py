"""An opened prompt in a terminal."""

from joinedup.cli.listening import in_words


def test_a_digest_is_read_part_by_part():
    part = {"title": "Claim", "why": {"rule": "A birth.", "controller_name": "HMRC"}}

    said = in_words({"title": "Open again", "body": "We had stopped it.", "parts": [part, part]})

    assert said[0] == "[bold]Open again[/bold]"
    assert said.count("[bold]Claim[/bold]") == 2
    assert said.count("Offered by HMRC.") == 2
    assert said.count("") == 2

"""One table says who may call what, and is complete or the start fails."""

import pytest

from services.kit.access import AccessTable, RpcsMissingFromTable
from services.kit.service_tokens import Caller
from services.kit.yaml_file import CatalogueInvalid

TABLE = """\
bakery.v1.Oven/Bake: [shop]
bakery.v1.Oven/Taste: [person, shop]
bakery.v1.Oven/Smell: [anyone]
bakery.v1.Oven/Supply: [publisher]
"""


@pytest.fixture
def table(tmp_path):
    (tmp_path / "rpc-access.yaml").write_text(TABLE)
    return AccessTable.load(tmp_path / "rpc-access.yaml")


@pytest.mark.parametrize(
    ("method", "caller", "allowed"),
    [
        ("Bake", Caller(service="shop"), True),
        ("Bake", Caller(service="thief"), False),
        ("Bake", Caller(subject="somebody"), False),
        ("Bake", Caller(), False),
        ("Taste", Caller(subject="somebody"), True),
        ("Taste", Caller(service="shop"), True),
        ("Taste", Caller(service="person"), False),
        ("Smell", Caller(), True),
        ("Smell", Caller(service="thief"), True),
        ("Supply", Caller(), True),
        ("Fry", Caller(service="shop"), False),
        ("Fry", Caller(service="anyone"), False),
    ],
)
def test_the_row_decides(table, method, caller, allowed):
    assert table.permits(f"/bakery.v1.Oven/{method}", caller) is allowed


def test_only_what_is_open_or_for_those_the_service_believes_needs_no_token(table):
    assert not table.needs_token("bakery.v1.Oven/Smell")
    assert not table.needs_token("bakery.v1.Oven/Supply")
    assert table.needs_token("bakery.v1.Oven/Bake")
    assert table.needs_token("bakery.v1.Oven/Fry")


def test_a_missing_method_is_named(table):
    table.check_complete(["/bakery.v1.Oven/Bake", "bakery.v1.Oven/Smell"])

    with pytest.raises(RpcsMissingFromTable) as raised:
        table.check_complete(["bakery.v1.Oven/Fry", "bakery.v1.Oven/Bake"])

    assert str(raised.value) == "missing from the table of RPCs: bakery.v1.Oven/Fry"


@pytest.mark.parametrize(
    "text", ["Bake: [shop]\n", "bakery.v1.Oven/Bake: shop\n", "bakery.v1.Oven/Bake: []\n", "[]\n"]
)
def test_a_table_of_another_shape_is_refused(tmp_path, text):
    (tmp_path / "rpc-access.yaml").write_text(text)

    with pytest.raises(CatalogueInvalid):
        AccessTable.load(tmp_path / "rpc-access.yaml")

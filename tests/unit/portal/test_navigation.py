"""Where signing in leads, and what may stand behind a link."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.domain.navigation import host_of_web_address, local_path


@pytest.mark.parametrize("path", ["/", "/choices", "/prompts/abc", "/?page=2&lang=cy", "/a//b"])
def test_a_path_of_ours_is_kept(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "choices",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "/choices\r\nset-cookie: a=b",
        "/ch\\oices",
        "/choices\u2028",
        "/" + "a" * 2000,
    ],
)
def test_anything_else_leads_home(wanted):
    assert local_path(wanted) == "/"


@given(st.text())
def test_a_local_path_never_names_a_host(wanted):
    path = local_path(wanted)

    assert path.startswith("/")
    assert path[1:2] not in {"/", "\\"}
    assert path.isascii()
    assert path.isprintable()


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.gov.uk/child-benefit", "www.gov.uk"),
        ("http://www.gov.uk/", None),
        ("https://www.gov.uk:8443/", None),
        ("https://someone@www.gov.uk/", None),
        ("javascript:alert(1)", None),
        ("https://[::1", None),
        ("https://www.gov.uk:port/", None),
        ("www.gov.uk", None),
        ("", None),
    ],
)
def test_only_a_plain_https_address_becomes_a_link(address, host):
    assert host_of_web_address(address) == host

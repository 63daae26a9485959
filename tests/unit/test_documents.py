"""A page's programs are found with what they print, and its files with their names."""

import pytest

from tests.documents import blocks, prints_that

PAGE = """\
# A page

Save this as `event.json`:

```json
{"id": 1}
```

Not a program, nor a file:

```yaml
a: b
```

```sh
cat event.json
```

```text
{"id": …}
```

```python
print(1)
```

And then:

```text
what somebody said
```
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_programs_are_found_with_what_they_print(page):
    programs = [each for each in blocks(page) if each.runs]

    assert [(each.language, each.text, each.prints) for each in programs] == [
        ("sh", "cat event.json\n", '{"id": …}\n'),
        ("python", "print(1)\n", None),
    ]
    assert programs[0].line == 15


def test_files_are_found_with_their_names(page):
    assert [(each.save_as, each.text) for each in blocks(page) if each.save_as] == [
        ("event.json", '{"id": 1}\n')
    ]


@pytest.mark.parametrize(
    ("printed", "expected", "same"),
    [
        ("a\n", "a\n", True),
        ("a b c\nd\n", "a … c\nd\n", True),
        ("a\nx\nc\n", "a\n…\nc\n", True),
        ("b\n", "a\n", False),
        ("a\nb\n", "a\n", False),
        ("axc\n", "a.c\n", False),
    ],
)
def test_what_is_printed_is_held_to_what_is_said(printed, expected, same):
    assert prints_that(printed, expected) is same

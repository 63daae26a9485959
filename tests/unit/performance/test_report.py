"""A benchmark's report has the form that other programs read."""

import json

from tests.performance.report import Report, Result


def a_report(folder):
    report = Report(folder)
    report.add(Result("log alone", "ms", [2.0, 4.0, 3.0]))
    report.add(Result("publish", "ms", [6.0, 9.0, 7.5], baseline="log alone", target=25.0))
    report.add(Result("slow", "s", [30.0], target=20.0))
    return report


def test_it_has_median_ratio_and_whether_the_target_was_met(tmp_path):
    a_report(tmp_path).write()

    document = json.loads((tmp_path / "bench.json").read_text())
    assert set(document) == {"machine", "results"}
    alone, publish, slow = document["results"]
    assert alone == {
        "name": "log alone",
        "unit": "ms",
        "median": 3.0,
        "runs": [2.0, 4.0, 3.0],
        "baseline": None,
        "ratio": None,
        "target": None,
        "met": None,
    }
    assert (publish["ratio"], publish["target"], publish["met"]) == (2.5, 25.0, True)
    assert slow["met"] is False


def test_a_baseline_that_was_not_measured_gives_no_ratio(tmp_path):
    report = Report(tmp_path)
    report.add(Result("publish", "ms", [6.0], baseline="log alone"))

    assert report.document()["results"][0]["ratio"] is None


def test_the_table_says_what_was_not_met(tmp_path):
    text = a_report(tmp_path).markdown()

    assert "| slow | 30.0 s | 30.0 to 30.0 | < 20 s, **not met** |  |" in text
    assert "2.50x log alone" in text

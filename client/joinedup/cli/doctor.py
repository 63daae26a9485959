"""`joinedup doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import typer

from joinedup.cli.checks import Finding, examine
from joinedup.cli.home import here
from joinedup.cli.output import AsJson, emit, run, safe, say


def doctor(
    *,
    as_json: AsJson = False,
) -> None:
    """Check versions, disk, clock, addresses, broker and readiness; say what to do about each.

    Exit code 0 when nothing is wrong.

    **Example**: `joinedup doctor`
    """
    findings = run(examine(here()), as_json=as_json)
    healthy = all(each.good for each in findings)
    if as_json:
        emit({"healthy": healthy, "findings": [each.document() for each in findings]})
    else:
        for each in findings:
            _show(each)
    if not healthy:
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    mark = "[green]good [/green]" if finding.good else "[red]wrong[/red]"
    say(f"{mark}  [bold]{safe(finding.name)}[/bold]: {safe(finding.seen)}")
    if not finding.good and finding.fix:
        say(f"       to do: {safe(finding.fix)}")

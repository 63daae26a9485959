"""What the portal counts."""

from services.kit.telemetry import meter

_METER = meter("joinedup.portal")

sign_ins = _METER.create_counter(
    "joinedup.portal.sign_ins", unit="{sign_in}", description="Ends of attempts to sign in."
)
choices = _METER.create_counter(
    "joinedup.portal.choices", unit="{choice}", description="Permissions given and taken back."
)
refused_forms = _METER.create_counter(
    "joinedup.portal.refused_forms",
    unit="{request}",
    description="Changes asked for by something that is not one of our pages.",
)
failures = _METER.create_counter(
    "joinedup.portal.failures", unit="{page}", description="Pages that could not be shown."
)


def sign_in_ended(outcome: str) -> None:
    """Count an attempt: signed_in, declined, or the code that stopped it."""
    sign_ins.add(1, {"joinedup.outcome": outcome})


def choice_made(outcome: str) -> None:
    """Count a choice: given, withdrawn, objected or taking_effect."""
    choices.add(1, {"joinedup.outcome": outcome})


def form_refused(reason: str) -> None:
    """Count a form by the check that it failed."""
    refused_forms.add(1, {"joinedup.reason": reason})


def page_failed(reason: str) -> None:
    """Count a failure: the part that was away, or internal."""
    failures.add(1, {"joinedup.reason": reason})

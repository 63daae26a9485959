"""What identity refuses, as facts. No error carries a name, an identifier or a handle.

IdentityError
├── FieldInvalid            a field of the request is wrong; says which and how
├── EventTypeUnknown        the catalogue has no such event type
├── FenceAlone              an event whose type fences stands among others
├── PersonUnknown           nobody here is meant by that token or sign-in
├── SignInConflict          the sign-in and the identifiers belong to two people
├── SignInRefused           an ID token is not believed; the code says why
├── OfferUnknown            no agreement describes that purpose of that department
├── AgreementChanged        the text that was shown is not the text in force
├── SerialStale             the choices changed since the caller saw them
├── PageTokenInvalid        a page token that was not made here, or not for this person
├── LeaseExpired            an enforcement point asked too late
├── FenceOutstanding        an enforcement point with a live lease has not confirmed
├── ProviderUnavailable     the identity provider did not answer; the token may be a good one
└── StoreUnavailable        the database did not answer; nothing is known to have changed
"""


class IdentityError(Exception):
    """Anything identity refuses."""


class FieldInvalid(IdentityError):
    """A field is wrong; `path` is the field's place in the request, `code` how it is wrong."""

    def __init__(self, path: str, code: str) -> None:
        super().__init__(f"{path}: {code}")
        self.path = path
        self.code = code


class EventTypeUnknown(IdentityError):
    """The catalogue has no such event type."""


class FenceAlone(IdentityError):
    """An event whose type fences stands among others, which must not wait for its fence."""


class PersonUnknown(IdentityError):
    """Nobody here is meant by that token or sign-in."""


class SignInConflict(IdentityError):
    """The sign-in is bound to another person, or the person to another sign-in."""


class SignInRefused(IdentityError):
    """An ID token is not believed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class OfferUnknown(IdentityError):
    """No agreement describes that purpose of that department."""


class AgreementChanged(IdentityError):
    """The text that was shown is not the text in force."""


class SerialStale(IdentityError):
    """The person's choices changed since the caller saw them."""


class PageTokenInvalid(IdentityError):
    """A page token was not made here, or not for this person."""


class LeaseExpired(IdentityError):
    """An enforcement point renews a lease that has run out, or that it never had."""


class FenceOutstanding(IdentityError):
    """Enforcement points with a live lease have not confirmed yet."""

    def __init__(self, outstanding: int) -> None:
        super().__init__(f"{outstanding} enforcement points have not confirmed")
        self.outstanding = outstanding


class ProviderUnavailable(IdentityError):
    """The identity provider did not answer; nothing is known about the token."""


class StoreUnavailable(IdentityError):
    """The database did not answer; whether anything changed is not known."""

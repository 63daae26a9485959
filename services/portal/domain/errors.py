"""What can stand between a person and a page, each as a fact."""


class PortalError(Exception):
    """The root of the tree."""


class SignInNeeded(PortalError):
    """Nobody is signed in, or their token has run out."""


class SignInRefused(PortalError):
    """A sign-in was stopped; `code` says why: login_state, login_nonce, login_code_used."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SignInDeclined(PortalError):
    """The person, or the provider on their behalf, said no to signing in."""


class PersonUnknown(PortalError):
    """The sign-in is genuine, but no person has been registered with it."""


class ForgedRequest(PortalError):
    """A change was asked for by something that is not one of our pages; `code` says which check."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PageUnknown(PortalError):
    """There is no such page."""


class PromptUnavailable(PortalError):
    """A prompt was taken back, has ended, or never was this person's: nobody is told which."""


class ChoiceRefused(PortalError):
    """A choice did not match what stands now; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unavailable(PortalError):
    """A part of the platform cannot be asked at present; `part` names it."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part

"""What the portal needs from outside: the provider, the two services it asks, and its sessions.

Every method may raise `Unavailable`; those that take a person's token may raise `SignInNeeded`.
"""

from datetime import datetime, timedelta
from typing import Protocol

from services.portal.domain.choices import Choices, Offer
from services.portal.domain.prompts import InboxPage, Opinion, Prompt
from services.portal.domain.session import Session
from services.portal.domain.sign_in import Attempt, IdToken, PersonToken


class Sessions(Protocol):
    """Who is signed in, and who is about to; may be lost at any time, and then people sign in."""

    async def keep_attempt(self, browser: str, attempt: Attempt) -> None:
        """Remember an attempt of this browser for as long as attempts live."""

    async def take_attempt(self, browser: str, state: str) -> Attempt | None:
        """The attempt, which no one can take again; None if there is none with that state."""

    async def end_session_of_taken(self, browser: str, state: str) -> bool:
        """End the session that a taken attempt led to; whether there was such an attempt."""

    async def keep(self, session_id: str, session: Session, lives_for: timedelta) -> None:
        """Remember a new session."""

    async def bind(self, browser: str, state: str, session_id: str) -> bool:
        """Remember which session a taken attempt led to; False if it was used twice meanwhile."""

    async def find(self, session_id: str) -> Session | None:
        """The session, if it is still remembered."""

    async def change(self, session_id: str, session: Session, lives_for: timedelta) -> None:
        """Replace a session that is still remembered; one that has ended stays ended."""

    async def end(self, session_id: str) -> None:
        """Forget a session."""


class SignInProvider(Protocol):
    """The identity provider."""

    @property
    def issuer(self) -> str:
        """Its name."""

    async def names_itself(self) -> bool:
        """Whether it says in every answer who it is."""

    async def address(self, attempt: Attempt) -> str:
        """Where to send the browser."""

    async def redeem(self, code: str, attempt: Attempt) -> IdToken:
        """The checked ID token; raises SignInRefused."""


class People(Protocol):
    """The service that knows who people are and what they permit."""

    async def exchange(self, id_token: str, nonce: str) -> PersonToken:
        """The person's token; raises SignInRefused or PersonUnknown."""

    async def choices(self, token: str, language: str) -> Choices:
        """What the person said, and may say."""

    async def give(self, token: str, offer: Offer, serial: int) -> None:
        """Permit; raises ChoiceRefused when words or serial are no longer those."""

    async def withdraw(self, token: str, purpose: str, controller: str) -> datetime | None:
        """Take back, whatever else changed; raises ChoiceRefused for what nobody offers.

        Answers when that held everywhere; None while some place has not confirmed.
        """

    async def object_to(self, token: str, purpose: str, controller: str) -> datetime | None:
        """Object, with the same answer."""


class Prompts(Protocol):
    """The service that keeps the person's prompts."""

    async def inbox(self, token: str, page_token: str) -> InboxPage:
        """A page of the inbox, newest first; raises PageUnknown for a token of nobody's."""

    async def open(self, token: str, prompt_id: str, language: str) -> Prompt:
        """Open through the gate; raises PromptUnavailable."""

    async def respond(self, token: str, prompt_id: str, opinion: Opinion) -> None:
        """Note what the person made of it; raises PromptUnavailable."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""

"""What each code means, in words for the developer who reads the answer. No text quotes a value."""

from collections.abc import Mapping
from typing import Final

# A request as a whole: what is wrong, and what to do about it.
REQUEST: Final[Mapping[str, str]] = {
    "address_too_long": "An address may have 2 KiB.",
    "assertion_replayed": "This token was used before. Sign a new one for every request.",
    "attribute_repeated": "An attribute of the event stands in two headers.",
    "basis_not_yours": "The event or the token names a lawful basis or a purpose. Only the type's "
    "entry in the catalogue says which: leave it out. The people concerned can see the attempt.",
    "batch_not_a_list": "A batch is a JSON array of CloudEvents.",
    "batch_too_long": "The batch holds more than 500 events. Send it as several.",
    "body_empty": "The body is empty. Send one CloudEvent as JSON.",
    "body_too_large": "An event may have 64 KiB, a batch 4 MiB.",
    "busy": "Too much is being received at this moment. Send the same again.",
    "clock_skew": "The token was issued in the future. Set the clock of the machine that signs it.",
    "encoding_unsupported": "Send the body as it is, without Content-Encoding.",
    "event_invalid": "The event breaks several rules; errors names each with its place.",
    "event_type_prohibited": "Events of this kind may never be published here, by anyone.",
    "event_type_unknown": "No such event type. GET /v1/event-types lists those there are.",
    "fence_outstanding": "What must go silent first has not all gone silent yet. Send the same "
    "event again; nothing is sent to the person meanwhile.",
    "header_too_large": "The Authorization header is larger than 8 KiB.",
    "http_malformed": "This is not HTTP/1.1, or says in two ways how long it is.",
    "idempotency_in_progress": "The same event is being admitted by another request. Ask again.",
    "idempotency_mismatch": "This id was used before with another body. A correction needs an id "
    "of its own and says in supersedes what it replaces.",
    "identity_unavailable": "Nothing was admitted. Send the same event again, unchanged.",
    "internal": "Something went wrong on our side. Tell us the trace id.",
    "invalid_scope": "The token's scope is the exact names of event types with one space between "
    "them, and no wildcard. Without a scope the register alone says what may be published.",
    "json_depth": "The JSON is nested deeper than 16 levels.",
    "json_duplicate_key": "An object in the JSON has the same key twice.",
    "json_invalid": "The body is not valid JSON.",
    "json_number": "A number is not a number JSON can carry exactly: no NaN, no Infinity, "
    "integers of at most 64 bits.",
    "json_trailing": "Something follows the JSON value.",
    "log_unavailable": "Nothing was acknowledged. Send the same event again, unchanged: it is "
    "counted once however often it is sent.",
    "media_type": "Send application/cloudevents+json (one event), or application/json with the "
    "event's attributes in headers (ce- over HTTP, ce_ on Kafka); over HTTP also "
    "application/cloudevents-batch+json (a list of events).",
    "message_too_long": "A message of a stream may hold 100 events. Send the rest in another.",
    "misdirected": "This server does not answer for the host you named.",
    "not_found": "You have no event with this id.",
    "number_out_of_order": "Numbers rise by one within a stream. Open a new one and go on behind "
    "answered_through.",
    "oneof_required": "The request holds no event. Set life_event or cloud_event_json.",
    "rate_limited": "You send more events than the register of publishers allows you. Wait as long "
    "as Retry-After says.",
    "record_unreadable": "The record, or one that was sent together with it, cannot be read: names "
    "of headers are UTF-8, and what is sent together unpacks to 16 MiB at most. Send it again.",
    "read_timeout": "The body did not come in time: all of it must be there within 10 seconds, "
    "unless the operator set another limit. Send it without pauses.",
    "scope_denied": "The register of publishers does not let you publish this type for this "
    "source, or the token's own scope leaves this type out.",
    "stopping": "This process is being stopped. Open a new stream and go on behind "
    "answered_through.",
    "store_unavailable": "Nothing was admitted. Send the same event again, unchanged.",
    "text_encoding": "The body, or an attribute in a header, is not clean UTF-8: it holds an "
    "invalid sequence, a NUL or half of a surrogate pair, or over HTTP a percent sign that encodes "
    "nothing.",
    "token_alg": "Sign the token with ES256.",
    "token_audience": "The token is for another audience: aud must be joinedup-events.",
    "token_binding": "The token is for another event (on Kafka its jti is the id of the event), "
    "or bound by cnf to a key: send it without cnf, nobody can show a key here.",
    "token_crit": "The token has a crit header, and no extension is understood here.",
    "token_expired": "The token has expired. Sign a new one for every request.",
    "token_key": "The token is not signed with a key that the register has for its issuer.",
    "token_lifetime": "The token lives longer than 300 seconds.",
    "token_malformed": "The token is not a compact JWT with iss, aud, iat, exp and jti.",
    "token_missing": "Send Authorization: Bearer with a token signed by the publisher's key.",
    "token_not_yet": "The token is not valid yet (nbf).",
    "token_type": "The token's typ must be publisher+jwt.",
    "too_many_streams": "A publisher may have 4 streams open at once. Publish through those.",
}

# One place in the event: what is expected there.
PLACE: Final[Mapping[str, str]] = {
    "enum_unknown": "is a number that means nothing here",
    "event_type_prohibited": "this kind of event may never be published",
    "event_type_unknown": "no such event type",
    "field_required": "is required",
    "field_unknown": "is not a field known here",
    "format_wrong": "does not have the expected form",
    "id_not_nfc": "must be in Unicode normalisation form C",
    "identifier_not_declared": "the type does not let this role be sent with this scheme",
    "list_too_long": "has too many entries",
    "list_too_short": "has too few entries",
    "name_missing": "needs a given name or a family name",
    "nhs_number_invalid": "is not an NHS number that can be issued",
    "nino_invalid": "is not a National Insurance number that can be issued",
    "number_too_large": "is too large",
    "number_too_small": "is too small",
    "object_empty": "has no field",
    "occurred_after_registration": "must not be later than registered_at",
    "role_missing": "a required role is missing",
    "role_repeated": "the role is taken by another person of this event",
    "role_unknown": "is not a role of this type",
    "supersedes_itself": "must be the id of an earlier event",
    "supersedes_not_allowed": "stands only with a correction or a cancellation",
    "text_control_char": "holds a control character or an invisible change of direction",
    "text_too_long": "is too long",
    "text_too_short": "is too short",
    "time_future": "lies in the future",
    "time_invalid": "is not a date or time that exists",
    "time_past": "lies before 1900",
    "time_zone_required": "needs a time zone: Z or an offset",
    "type_wrong": "has the wrong JSON type",
    "value_invalid": "is not allowed here",
    "value_not_allowed": "is not one of the allowed values",
}

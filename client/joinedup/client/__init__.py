"""Joined-Up for those outside it: departments that publish, and devices that listen."""

from joinedup.client.access_log import AccessLog
from joinedup.client.choices import Choices
from joinedup.client.device import Device, Received
from joinedup.client.device_memory import DeviceMemory
from joinedup.client.errors import ClientError, Fault, Refused, Unavailable
from joinedup.client.event_body import Event
from joinedup.client.inbound import (
    InboundRecord,
    RefusedRecord,
    inbound_record,
    inbound_topic,
    read_refusal,
    refusals_topic,
)
from joinedup.client.local_platform import LocalPlatform, NoLocalPlatform
from joinedup.client.publisher import AsyncPublisher, Publisher
from joinedup.client.publisher_token import PublisherKey
from joinedup.client.receipt import Progress, Receipt, Result
from joinedup.client.session import PersonSession, SignedInAs
from joinedup.client.stream_publisher import StreamPublisher

__all__ = [
    "AccessLog",
    "AsyncPublisher",
    "Choices",
    "ClientError",
    "Device",
    "DeviceMemory",
    "Event",
    "Fault",
    "InboundRecord",
    "LocalPlatform",
    "NoLocalPlatform",
    "PersonSession",
    "Progress",
    "Publisher",
    "PublisherKey",
    "Receipt",
    "Received",
    "Refused",
    "RefusedRecord",
    "Result",
    "SignedInAs",
    "StreamPublisher",
    "Unavailable",
    "inbound_record",
    "inbound_topic",
    "read_refusal",
    "refusals_topic",
]

"""Joined-Up for those outside it: departments that publish, and devices that listen."""

from joinedup.client.choices import Choices
from joinedup.client.device import Device, Received
from joinedup.client.device_memory import DeviceMemory
from joinedup.client.errors import ClientError, Fault, Refused, Unavailable
from joinedup.client.publisher import AsyncPublisher, Progress, Publisher, Receipt
from joinedup.client.session import PersonSession, SignedInAs

__all__ = [
    "AsyncPublisher",
    "Choices",
    "ClientError",
    "Device",
    "DeviceMemory",
    "Fault",
    "PersonSession",
    "Progress",
    "Publisher",
    "Receipt",
    "Received",
    "Refused",
    "SignedInAs",
    "Unavailable",
]

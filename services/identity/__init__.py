"""Who a person is to the platform, and what they permit."""

"""Protobuf to domain and back: the only place that knows both."""

"""The RPCs: translate, call a handler, translate back."""

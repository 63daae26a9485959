"""The portal's rules: how long one stays signed in, where a link may lead, what a choice means."""

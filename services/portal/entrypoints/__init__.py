"""The portal's way in: pages over HTTP."""

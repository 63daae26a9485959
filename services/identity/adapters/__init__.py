"""The technologies identity stands on."""

"""The demo's town, built once for all tests that look at it."""

from demo.scene import PEOPLE, SEED, set_scene

TOWN, CAST = set_scene(SEED, PEOPLE)

"""What every daemon imports and compiles, done once: the processes under torture are forked from one that has it."""

from mapper import mapping
from mapper.processing import daemon

__all__ = ["daemon", "mapping"]

mapping.load_rulebooks()

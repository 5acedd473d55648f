"""The proof of exactly one invoice: real daemons, killed at every point of their work, against services that fail."""

"""The terminal app: a thin face on the same functions as the command line."""

"""The dashboard in a browser: a login, and behind it the same app, run by textual-serve."""

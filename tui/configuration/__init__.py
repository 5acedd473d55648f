"""Configuration: `tab` is the frame with saving and undo; each section has a module of its own."""

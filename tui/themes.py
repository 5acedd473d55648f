"""The app's two themes, calm ones: one accent, and green, amber and red only where they say something."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="mapper-dark",
    primary="#6ea8c9",
    secondary="#8fa3b3",
    accent="#e0a458",
    foreground="#d8dee4",
    background="#14181d",
    surface="#1a1f26",
    panel="#222933",
    success="#7fb685",
    warning="#e0a458",
    error="#e07a6e",
    dark=True,
    variables={
        "footer-key-foreground": "#e0a458",
        "footer-background": "#1a1f26",
        "border": "#3a4654",
        "border-blurred": "#2b343f",
    },
)

LIGHT = Theme(
    name="mapper-light",
    primary="#1f6f93",
    secondary="#5a6b78",
    accent="#9a5b00",
    foreground="#1d2329",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e7e4dc",
    success="#2c6e36",
    warning="#8a5200",
    error="#a8322a",
    dark=False,
    variables={
        "footer-key-foreground": "#9a5b00",
        "footer-background": "#f3f1ec",
        "border": "#b8b2a4",
        "border-blurred": "#d3cec3",
    },
)

THEMES = (DARK, LIGHT)

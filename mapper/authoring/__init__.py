"""What rule authors use: explanations. Nothing here posts anything."""

"""What the project claims about speed, measured against peers in one run."""

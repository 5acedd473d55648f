"""Emulators of CCV Shop, WeFact and VIES, from their documentation only: they share no code with the clients."""

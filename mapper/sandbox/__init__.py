"""Emulators of CCV Shop, WeFact and VIES, written from their documentation only: they share no code with the clients."""

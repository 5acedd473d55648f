"""Turns CCV Shop orders into WeFact invoices: exactly one each, right to the cent, every value explained."""

__version__ = "0.1.0"

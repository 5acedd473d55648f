"""The clients of CCV Shop, WeFact and VIES; their errors say whether trying again makes sense."""

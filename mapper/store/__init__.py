"""What the mapper remembers, by subject. Every query takes the tenant right after the connection.

The caller owns the transaction (`database.begin()`); nothing here commits. See `database.py`.
"""

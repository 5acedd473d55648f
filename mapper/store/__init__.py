"""What the mapper remembers: one database, by subject. Every query takes the tenant right after the connection.

The caller owns the transaction (`database.begin()`); nothing here commits. See `database.py`.
"""

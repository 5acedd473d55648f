"""The command line: parse, call, print. stdout carries data, stderr talk; `main` is the one place that shows errors.

Exit codes: 0 done; 1 a document has an error or a check failed; 2 wrong use, settings or rules; 3 a service is down;
4 a service refused; 5 the database; 70 a fault of the mapper itself; 130 interrupted; 141 the reader went away.
"""

from mapper.cli.program import main

__all__ = ["main"]

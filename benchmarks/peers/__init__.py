"""One mapping, written for each engine as its documentation advises: see `benchmarks/mapping.py`."""

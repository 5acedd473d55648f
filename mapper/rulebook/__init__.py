"""Mapping rules: YAML that support staff edit, checked as a whole and compiled to one function per rulebook."""

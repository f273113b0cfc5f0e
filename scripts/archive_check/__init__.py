"""Proves the audit archive complete and unchanged, or names each place where it is not: `verify_audit.py`'s parts."""

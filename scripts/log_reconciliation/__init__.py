"""Compares the audit records with what Commercial logged: `reconcile_audit.py`'s parts."""

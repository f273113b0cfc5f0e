"""HTTP on loopback, signed for the API: the parts of `connect.py`, and of `dashboard.py`, which shares them."""

"""Faults of hosts, and what the four verbs that people type in need do on them."""

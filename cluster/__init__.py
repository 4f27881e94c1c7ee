"""Machines: inventory, facts, plans and the one road to the hosts. Knows nothing of models."""

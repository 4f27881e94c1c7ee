"""Machines: inventory, facts, plans and the one road to the hosts. Has never heard of a model."""

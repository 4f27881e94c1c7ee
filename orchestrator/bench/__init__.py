"""The verb `bench`: measures a model under load; figures, report, comparison, cost."""

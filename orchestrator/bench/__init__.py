"""The verb `bench`: a load on a model, measured; figures, report, comparison, cost."""

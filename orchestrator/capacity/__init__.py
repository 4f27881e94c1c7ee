"""What a model needs of each GPU, and what fits where; pure, but for source.py and hub.py."""

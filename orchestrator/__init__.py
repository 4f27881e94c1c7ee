"""Models: recipes, where they fit, how they are served and whether they answer."""

VERSION = "0.1.0"  # pyproject.toml reads it here

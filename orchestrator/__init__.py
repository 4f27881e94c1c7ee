"""Models: recipes, where they fit, how they are served and whether they answer."""

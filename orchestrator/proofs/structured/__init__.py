"""The verb `test structured`: does the server hold answers to a JSON schema."""

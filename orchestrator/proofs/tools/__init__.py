"""The verb `test tools`: does the server turn what the model writes into tool calls."""

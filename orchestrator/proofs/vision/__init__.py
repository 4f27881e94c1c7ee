"""The verb `test vision`: does the model see what it is shown."""

"""The verb `test vision`: can the model see pictures and a video."""

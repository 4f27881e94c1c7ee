"""A small Hugging Face hub: what huggingface_hub and orchestrate ask of it, and its faults.

with Hub.up() as hub:
    hub.add(Repository("org/model").commit({"config.json": b"{}", "model.safetensors": data}))
    ... HF_ENDPOINT=hub.url ...
"""

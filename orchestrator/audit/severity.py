"""How much a difference between two bundles matters, and why; data."""

from typing import Literal

Severity = Literal["model", "software", "arguments", "environment", "hardware", "samples", "names"]
SEVERITIES: tuple[Severity, ...] = (
    "model",
    "software",
    "arguments",
    "environment",
    "hardware",
    "samples",
    "names",
)
ORDER_WITHIN = (  # within a severity; names that are not listed follow in alphabetical order
    *("model", "commit", "files of the model"),
    *("vllm", "torch", "cuda", "driver", "flashinfer", "triton", "nccl"),
    *("tokenizers", "transformers", "ray", "python"),
    *("split", "quantization", "dtype", "kv_cache_dtype", "seed", "tensor_parallel_size"),
    *("pipeline_parallel_size", "max_num_seqs", "enforce_eager", "GPUs", "machine", "hosts"),
)
LAST_WITHIN = ("kernel",)
REASONS = {
    "model": "other weights are another model: this alone explains other answers",
    "software": "other code computes in another order and rounds differently",
    "arguments": "it changes what vLLM computes, or which requests it accepts",
    "environment": "it may select other kernels, or another path between hosts",
    "hardware": "other hardware uses other kernels, which round differently",
    "samples": "the same requests got other answers: an effect of the differences above",
    "names": "it changes no answer",
}
REASONS_BY_NAME = {
    "files of the model": "the bytes of the model differ, whatever its commit says",
    "commit": "another commit has other files: weights, configuration or chat template",
    "vllm": "scheduling, kernels and sampling are vLLM's code",
    "torch": "torch chooses the kernels of every matrix product",
    "cuda": "cuBLAS comes with CUDA, and each version rounds differently",
    "driver": "the driver compiles kernels that are shipped without code for this GPU",
    "nccl": "NCCL adds up what the GPUs computed, in an order that it chooses",
    "tokenizers": "other tokens may stand for the same text",
    "transformers": "it reads the configuration, the tokenizer and the chat template",
    "kernel": "seldom changes an answer; it belongs to the platform that was audited",
    "split": "sums are split differently: other rounding",
    "tensor_parallel_size": "sums are split over another number of GPUs: other rounding",
    "pipeline_parallel_size": "the layers are distributed differently: other batches",
    "quantization": "the weights are represented by other numbers",
    "dtype": "every sum is rounded to another precision",
    "kv_cache_dtype": "attention reads numbers of another precision",
    "seed": "sampling at temperature > 0 starts from another state",
    "max_num_seqs": "another batch size selects other kernels: other rounding",
    "enforce_eager": "CUDA graphs and compiled kernels compute in another order",
    "VLLM_BATCH_INVARIANT": "with it, an answer does not depend on the rest of the batch",
    "hosts": "another number of hosts: another path between the parts of the model",
}


def reason_for(rank: Severity, name: str) -> str:
    return REASONS_BY_NAME.get(name, REASONS[rank])


def sort_key(rank: Severity, name: str) -> tuple[int, int, str]:
    """Sort key: the most important first."""
    within = (
        ORDER_WITHIN.index(name)
        if name in ORDER_WITHIN
        else len(ORDER_WITHIN) + (name in LAST_WITHIN)
    )
    return SEVERITIES.index(rank), within, name

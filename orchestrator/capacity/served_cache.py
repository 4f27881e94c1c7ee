"""(architecture, split, arguments) -> the KV cache that vLLM would make; pure."""

from orchestrator.capacity.architecture import Architecture
from orchestrator.capacity.engine_args import Serving
from orchestrator.capacity.kv_cache import STATE_BLOCKS_CACHED, KVCache
from orchestrator.capacity.kv_groups import layer_groups
from orchestrator.capacity.pages import PageRequest, layer_pages
from orchestrator.capacity.weights import Split


def cache_of(arch: Architecture, split: Split, serving: Serving) -> KVCache:
    pages = layer_pages(
        arch,
        PageRequest(
            tensor=split.tensor,
            cache=serving.cache,
            state_bytes=serving.state_bytes,
            drafts=serving.speculation.tokens,
            draft_layers=serving.speculation.layers,
            block=serving.block,
        ),
    )
    ahead = 1 if serving.ahead else 0
    states = STATE_BLOCKS_CACHED if serving.prefix else 1
    return KVCache(
        in_flight=(split.pipeline + ahead) * serving.batched,
        state_blocks=states + serving.speculation.tokens,
        groups=layer_groups(pages),
    )

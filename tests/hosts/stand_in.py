"""A virtual environment whose `ray` and `vllm` are small stand-ins, and a model of a few bytes.

What orchestrate sends to a host runs in it unchanged: its `ray_start`, `ray_nodes` and
`vllm_arguments` meet modules of the real names.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.host import make_tiny

HERE = Path(__file__).parent
VERSIONS = {"ray": "2.60.0", "vllm": "0.32.0", "torch": "2.13.0"}
PYTHON = Path(sys.executable).resolve()
FILES = {
    "ray/__init__.py": "",
    "ray/_raylet.py": (HERE / "stand_in_ray.py").read_text(),
    "ray/_private/__init__.py": "",
    "ray/_private/node.py": "class Node:\n    start_api_server = start_log_monitor = None\n",
    "ray/_private/services.py": "def start_raylet(): pass\n",
    "ray/_private/utils.py": "def get_dashboard_dependency_error(): return None\n",
    "ray/scripts/__init__.py": "",
    "ray/scripts/scripts.py": "from ray._raylet import main as main\n",
    "vllm/__init__.py": "",
    "vllm/server.py": (HERE / "stand_in_vllm.py").read_text(),
    "vllm/utils.py": "from argparse import ArgumentParser as FlexibleArgumentParser\n",
    "vllm/entrypoints/__init__.py": "",
    "vllm/entrypoints/openai/__init__.py": "",
    "vllm/entrypoints/openai/cli_args.py": "from vllm.server import make_arg_parser\n",
    "vllm/tool_parsers/__init__.py": "_PARSERS_TO_REGISTER = {'hermes': (), 'qwen3_xml': ()}\n",
    "vllm/reasoning/__init__.py": "_PARSERS_TO_REGISTER = {'qwen3': ()}\n",
}


def make_venv(folder: Path, versions: Mapping[str, str] = VERSIONS) -> Path:
    """Fill the folder and give it back; only packages with a version are there."""
    site = folder / f"lib/python3.{sys.version_info.minor}/site-packages"
    for name, text in FILES.items():
        if name.partition("/")[0] in versions:
            write(site / name, text)
    for package, version in versions.items():
        (site / f"{package}-{version}.dist-info").mkdir(parents=True)
    write(folder / "pyvenv.cfg", f"home = {PYTHON.parent}\nversion = {sys.version.split()[0]}\n")
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(PYTHON)
    write(folder / "bin/vllm", f"#!{folder}/bin/python\nfrom vllm.server import main\nmain()\n")
    (folder / "bin/vllm").chmod(0o755)
    return folder


def make_model(folder: Path) -> Path:
    """Write a model of two shards, complete by every rule that is checked before a load."""
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    for shard in shards:
        write_shard(folder / shard)
    index = {"weight_map": {f"layer.{n}": shard for n, shard in enumerate(shards)}}
    write(folder / "model.safetensors.index.json", json.dumps(index))
    write(folder / "config.json", json.dumps(make_tiny.CONFIG))
    return folder


def write_shard(path: Path) -> None:
    """One tensor of 64 bytes."""
    about = {"dtype": "BF16", "shape": [4, 8], "data_offsets": [0, 64]}
    header = json.dumps({"model.layers.0.mlp.gate.weight": about})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(64))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

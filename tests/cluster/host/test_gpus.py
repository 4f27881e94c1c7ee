"""What nvidia-smi prints besides its table takes no GPU away, and no host."""

import pytest

from cluster.host.gpus import read

ROW = "0, NVIDIA GB10, [N/A], [N/A], 12.1, 580.95, GPU-0"
OTHER = "1, NVIDIA H200, 143771, 143000, 9.0, 580.95, GPU-1"
WARNING = "WARNING: infoROM is corrupted at gpu 0000:01:00.0"
FELL = "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error"


@pytest.mark.parametrize(
    ("code", "out", "count", "problem", "note"),
    [
        (0, f"{ROW}\n{OTHER}\n", 2, "", ""),
        (0, f"{ROW}\n{WARNING}\n", 1, "", WARNING),
        (14, f"{ROW}\n{WARNING}\n", 1, "", WARNING),
        (15, f"{FELL}\n{OTHER}\n", 1, f"nvidia-smi: {FELL}", ""),
        (0, f"{ROW}\n1, [GPU is lost], , , , ,\n", 1, "nvidia-smi: 1, [GPU is lost], , , , ,", ""),
        (9, "No devices were found\n", 0, "nvidia-smi: No devices were found", ""),
        (6, "", 0, "nvidia-smi: exit code 6", ""),
        (0, "", 0, "", ""),
    ],
)
def test_what_it_says(code: int, out: str, count: int, problem: str, note: str) -> None:
    found = read(code, out)
    assert len(found["gpus"]) == count
    assert (found["driver_problem"], found.get("driver_note", "")) == (problem, note)


def test_memory_is_in_bytes_or_unknown() -> None:
    one, other = read(0, f"{ROW}\n{OTHER}\n")["gpus"]
    assert one["memory_total"] is None
    assert other["memory_total"] == 143771 << 20

"""Every command that the product or a page tells people to type is one that can be typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.main import VERBS
from tests.support.hints import command_lines, strings_of, wrong_with

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path for package in ("cluster", "orchestrator") for path in (ROOT / package).rglob("*.py")
)
TABLES = sorted(path for path in (ROOT / "cluster").rglob("*.toml"))
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
NO_COMMANDS = {"bench tiny"}  # the salt of a bench's prompts
FIRST_WORDS = "|".join(sorted({verb.split()[0] for verb in VERBS.verbs}))
SHORT = re.compile(
    rf"`((?:{FIRST_WORDS}) [^`\n]+)`"
)  # without `orchestrate`, as in `cluster start`
NOT_TYPED = re.compile(r"^Usage: .*?$|^```diff\n.*?^```$", re.MULTILINE | re.DOTALL)

PROGRAMS = (
    "apt|cat|chmod|chown|cp|curl|df|dmesg|docker|du|ethtool|export|getent|hf|ip|iptables|journalctl|kill|"
    "loginctl|ls|lsof|modprobe|nft|ping|pip|pip3|podman|ps|rm|ssh|ssh-copy-id|ssh-keygen|ss|sudo|"
    "sysctl|systemctl|timedatectl|ufw|umount|uv"
)
OTHERS = re.compile(
    rf"(?:^|[:;`(,] |`|\b(?:then|with|or|and) )((?:{PROGRAMS}) [-\w/~{{.$+|][^;`\n]*)"
)
# Each was typed, or read in the manual of its program; a new one is reviewed before it is added.
REVIEWED = {
    "cat /proc/mounts",
    "df -h ~ /tmp",
    "dmesg | grep -i -e nvrm -e xid",
    "dmesg | grep -i nvrm",
    "docker ps",
    "du -h --max-depth=2 tiny | sort -h | tail",
    "du -xh --max-depth=2 tiny | sort -h | tail",
    "export tiny=tiny",
    "ip -br address",
    "ip -s link",
    "ip neigh",
    "ip route",
    "ls -lS tiny",
    "rm tiny",
    "ss -ltnp sport = :tiny shows who has the port",
    "ssh -G tiny",
    "ssh -G {login} shows what ssh makes of it",
    "ssh -v {login}",
    "ssh-copy-id -p {port} {user}@{host}",
    "ssh-copy-id -p {port} {user}@{host}, or set key_file and user in nodes.toml",
    "ssh-keygen -R 'tiny', then again",
    "ssh-keygen -R '{entry}'",
    "sudo ethtool tiny",
    "sudo fuser -v /dev/nvidia*",
    "sudo ip addr add tiny dev tiny",
    "sudo ip link set dev tiny mtu tiny",
    "sudo ip link set dev tiny up",
    "sudo loginctl enable-linger tiny",
    "sudo mount -o remount,size=50% tiny",
    "sudo timedatectl set-ntp true, or whatever keeps the time there",
    "sudo ufw allow from tiny, or sudo firewall-cmd --permanent --zone=trusted --add-source=tiny, "
    "or sudo nft list ruleset",
}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_of(text: str) -> Iterator[str]:
    yield from command_lines(text)
    for short in SHORT.findall(text):
        yield from command_lines(f"orchestrate {short}")


def test_every_command_of_a_message_can_be_typed() -> None:
    """Of a docstring, it is enough that verbs and options are there."""
    wrong = {
        f"{place(path)}: {line}: {problem}"
        for path in MODULES
        for text, is_docstring in strings_of(path)
        for line in command_lines(text)
        if line not in NO_COMMANDS
        if (problem := wrong_with(line, complete=not is_docstring))
    }
    assert not wrong


@pytest.mark.parametrize("path", [*MODULES, *TABLES, *PAGES], ids=place)
def test_the_verbs_and_options_that_are_named_exist(path: Path) -> None:
    if path.suffix == ".py":
        texts = [text for text, _ in strings_of(path)]
    else:
        texts = NOT_TYPED.sub("", path.read_text("utf-8")).split("\n\n")
    wrong = [
        f"{line}: {problem}"
        for text in texts
        for line in lines_of(text)
        if line not in NO_COMMANDS
        if (problem := wrong_with(line, complete=False))
    ]
    assert not wrong


def test_every_command_of_another_program_was_reviewed() -> None:
    texts = [text for path in MODULES if path.parent.name != "host" for text in told(path)]
    found = {each.strip() for text in texts for each in OTHERS.findall(text)}
    assert found == REVIEWED


def told(path: Path) -> Iterator[str]:
    return (text for text, is_docstring in strings_of(path) if not is_docstring)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("serve --model tiny", ""),
        ("serve --modle tiny", "No such option: --modle"),
        ("sevre --model tiny", "no verb: sevre"),
        ("models pull", "missing: "),
        ("models pull tiny extra", "too many words: extra"),
        ("models pul tiny", "no verb: pul"),
        ("logs --lines", "requires an argument"),
        ("cluster check tells what stands between", ""),
        ("--debug status", ""),
        ("sample replay", "missing: file"),
        ("sample replay --help", ""),
    ],
)
def test_what_cannot_be_typed_is_found(line: str, problem: str) -> None:
    found = wrong_with(line)
    assert problem in found
    assert bool(problem) == bool(found)


def test_where_a_command_ends_in_a_sentence() -> None:
    text = (
        "orchestrate status; orchestrate logs --follow, or `orchestrate teardown` ends orchestrate."
    )
    assert list(command_lines(text)) == ["status", "logs --follow", "teardown"]

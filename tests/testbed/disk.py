"""What lies on the hosts' disks before they boot: keys, sshd's configuration, names.

Does not know mounts or networks. A host's disk is the upper layer over this machine's own root:
what is written here, and later by the host, hides the file of the same path below.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
SSHD_CONFIG = f"""\
HostKey /{HOST_KEY}
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
MaxStartups 200:30:400
MaxSessions 100
AllowTcpForwarding yes
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""
# Of these the host shall see nothing that the person at this machine has in theirs.
PRIVATE_FOLDERS = ("root/.ssh", "root/.cache", "root/.config", "root/.orchestrate")


def keygen_words(path: Path | str, comment: str) -> list[str]:
    """Give the command that makes an ed25519 key without a passphrase."""
    return ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)]


def make_keys(keys: Mapping[Path, str]) -> None:
    """Make one key for each path, with its comment, all at once."""
    for path in keys:
        path.parent.mkdir(parents=True, exist_ok=True)
    processes = [subprocess.Popen(keygen_words(path, note)) for path, note in keys.items()]
    if any([process.wait() for process in processes]):
        raise RuntimeError("ssh-keygen failed; its own message is above")


def known_hosts(disks: Mapping[str, Path], names: Mapping[str, Iterable[str]]) -> str:
    """Give the known_hosts lines of all hosts, each under all its names and addresses."""
    lines = []
    for host, disk in disks.items():
        kind, key = (disk / f"{HOST_KEY}.pub").read_text().split()[:2]
        lines.append(f"{','.join(names[host])} {kind} {key}\n")
    return "".join(lines)


def write_ssh_folder(folder: Path, identity: Path, known: str) -> None:
    """Fill a .ssh folder with the one key that everybody has, and with all hosts' keys."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    public = identity.with_suffix(".pub").read_text()
    files = {
        "id_ed25519": identity.read_text(),
        "id_ed25519.pub": public,
        "authorized_keys": public,
        "known_hosts": known,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)


def write_disk(disk: Path, hostname: str, hosts_table: str) -> None:
    """Write everything on a host's disk but its .ssh folder and its host key."""
    for name in PRIVATE_FOLDERS:
        (disk / name).mkdir(parents=True, exist_ok=True)
        os.setxattr(disk / name, "trusted.overlay.opaque", b"y")
    (disk / "root").chmod(0o700)
    (disk / "etc/hostname").write_text(hostname + "\n")
    (disk / "etc/hosts").write_text(hosts_table)
    # No name server: a name that is not in /etc/hosts fails at once instead of after 10 s.
    (disk / "etc/resolv.conf").write_text("")
    (disk / "etc/ssh/sshd_config").write_text(SSHD_CONFIG)
    # The machine's own may be slow, and would run for each command over SSH.
    for name in (".bashrc", ".profile"):
        (disk / "root" / name).write_text("")

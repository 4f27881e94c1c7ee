"""~/.ssh/config as its users write it: where ssh itself gets in, so do we."""

import subprocess
from pathlib import Path

import pytest

from tests.hosts.lab import QUICK, Lab

pytestmark = pytest.mark.hosts

NAMES = {"h1": {"address": "One"}, "h2": {"address": "two"}}
FAR_PORT = 2222
KEY = "/etc/ssh/ssh_host_ed25519_key"


def names(lab: Lab, first: str = "", second: str = "") -> str:
    """Aliases for both hosts, with more lines for each."""
    one, two = (host.management for host in lab.hosts)
    return f"Host One\n  HostName {one}\n{first}Host two\n  HostName {two}\n{second}"


def folder_of(home: dict[str, str]) -> Path:
    return Path(home["HOME"], ".ssh")


def write(home: dict[str, str], text: str) -> None:
    (folder_of(home) / "config").write_text(text)


def gets_in(lab: Lab, home: dict[str, str], *, alias: str = "One") -> None:
    """Both the real ssh and orchestrate."""
    folder = folder_of(home)
    words = ["-o", f"UserKnownHostsFile={folder}/known_hosts", "-i", str(folder / "id_ed25519")]
    ssh = ["ssh", "-F", str(folder / "config"), "-o", "BatchMode=yes", *words, f"root@{alias}"]
    done = lab.testbed.control([*ssh, "true"], env=home)
    assert done.returncode == 0, done.stderr
    shown = lab.run("status", env=home)
    assert shown.returncode == 0, shown.stdout


def test_what_ssh_understands(lab: Lab) -> None:
    """Include with quotes, comments, `ProxyJump none`, files that are not there, Match."""
    home = lab.station("understands")
    lab.use(nodes=NAMES)
    included = Path(home["HOME"], "a sync tool")
    included.write_text(names(lab, "  Port 22  # default\n"))
    included.chmod(0o600)
    write(
        home,
        f'Include "{included}"\nMatch user root\n  ConnectTimeout 20\nHost *\n  ProxyJump none\n'
        f"  IdentityFile ~/.ssh/id_away\n  IdentityFile {folder_of(home)}/id_ed25519\n"
        "  CanonicalizeHostname yes\n  IdentitiesOnly yes\n",
    )
    gets_in(lab, home)


def test_a_key_known_by_the_plain_name_is_known_on_another_port(lab: Lab) -> None:
    home = lab.station("plain")
    lab.use(nodes=NAMES)
    host = lab.hosts[0]
    host.run(["/usr/sbin/sshd", "-p", str(FAR_PORT), "-oPidFile=/run/far.pid"])
    write(home, names(lab, f"  Port {FAR_PORT}\n"))
    try:
        gets_in(lab, home)
    finally:
        host.run("kill $(cat /run/far.pid)")


def test_a_file_of_known_hosts_of_ones_own(lab: Lab) -> None:
    home = lab.station("elsewhere")
    lab.use(nodes=NAMES)
    known = folder_of(home) / "known_hosts"
    other = known.rename(known.with_name("elsewhere"))
    write(home, names(lab) + f"Host *\n  UserKnownHostsFile {other}\n")
    assert lab.run("status", env=home).returncode == 0
    other.unlink()
    assert f"2 keys added to {other}" in lab.ok("cluster", "trust", "--yes", env=home)
    assert lab.run("status", env=home).returncode == 0


def test_the_agent_that_the_config_names(lab: Lab) -> None:
    """The file itself has a passphrase; a public half and IdentitiesOnly choose the agent's key."""
    home = lab.station("agent")
    lab.use(nodes=NAMES)
    folder = folder_of(home)
    key, sock = folder / "id_ed25519", folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        add = f"until [ -S {sock} ]; do :; done; ssh-add {key}"
        lab.testbed.control(["sh", "-c", add], env={"SSH_AUTH_SOCK": str(sock)}, check=True)
        lock = ["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", str(key)]
        subprocess.run(lock, check=True, capture_output=True)
        chosen = f"Host *\n  IdentityAgent {sock}\n  IdentitiesOnly yes\n"
        write(home, names(lab) + chosen + f"  IdentityFile {key}.pub\n")
        assert lab.run("status", env=home).returncode == 0
    finally:
        agent.terminate()
        agent.wait()
    said = lab.run("cluster", "check", env=home).stdout
    assert f"{key}.pub is a public key, and no agent has its private one" in said
    write(home, names(lab))
    said = lab.run("cluster", "check", env=home).stdout
    assert f"{key} wants a passphrase and is not in the agent" in said
    assert f"ssh-add {key}" in said


def test_a_certificate_of_an_authority(lab: Lab) -> None:
    """Both ways: the host's, by @cert-authority, and ours, by CertificateFile."""
    home = lab.station("authority")
    lab.use(nodes=NAMES)
    folder, host = folder_of(home), lab.hosts[0]
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", str(folder / "ca")], check=True)
    (folder / "host.pub").write_text(host.run(["cat", f"{KEY}.pub"]).stdout)
    sign = ["ssh-keygen", "-q", "-s", str(folder / "ca"), "-I", "lab", "-V", "-1h:+1h"]
    subprocess.run([*sign, "-h", "-n", host.management, str(folder / "host.pub")], check=True)
    subprocess.run([*sign, "-n", "root", str(folder / "id_ed25519.pub")], check=True)
    host.run(["tee", f"{KEY}-cert.pub"], input=(folder / "host-cert.pub").read_text())
    host.run(["tee", "/etc/ssh/ca.pub"], input=(folder / "ca.pub").read_text())
    options = [f"HostCertificate={KEY}-cert.pub", "TrustedUserCAKeys=/etc/ssh/ca.pub"]
    options += ["AuthorizedKeysFile=none", "PidFile=/run/far.pid"]
    host.run(["/usr/sbin/sshd", "-p", str(FAR_PORT), *(f"-o{each}" for each in options)])
    known = folder / "known_hosts"
    lines = [line for line in known.read_text().splitlines() if line.startswith("h2")]
    authority = f"@cert-authority *{host.management}* {(folder / 'ca.pub').read_text()}"
    revoked = authority.replace("@cert-authority", "@revoked")
    known.write_text("\n".join([*lines, authority]))
    certificate = f"  CertificateFile {folder}/id_ed25519-cert.pub\n"
    write(home, names(lab, f"  Port {FAR_PORT}\n{certificate}"))
    try:
        gets_in(lab, home)
        known.write_text("\n".join([*lines, authority, revoked]))
        assert "unknown host key" in lab.run("status", env=home).stdout
    finally:
        host.run("kill $(cat /run/far.pid)")


def test_a_name_in_capitals_and_a_key_that_changed(lab: Lab) -> None:
    """ssh writes names in lower case: the stranger's key is no unknown one."""
    home = lab.station("capitals")
    lab.use(nodes={"h2": {"address": "H2"}})
    known = folder_of(home) / "known_hosts"
    files = f"  UserKnownHostsFile {known}\n  IdentityFile {folder_of(home)}/id_ed25519\n"
    write(home, f"Host H2\n  ProxyJump root@{lab.hosts[0].management}\nHost *\n{files}")
    gets_in(lab, home, alias="H2")
    one, two = (line.split(maxsplit=1) for line in known.read_text().splitlines())
    known.write_text(f"{one[0]} {one[1]}\n{two[0]} {one[1]}\n")
    before = known.read_text()
    assert "WRONG HOST KEY of h2:22" in lab.fails("cluster", "start", env=home)
    assert "changed" in lab.run("cluster", "trust", "--yes", env=home).stdout
    assert known.read_text() == before


def test_places_as_people_write_them(lab: Lab) -> None:
    one, two = (host.management for host in lab.hosts)
    lab.use(
        tables=QUICK.replace('"root"', '"nobody"'),
        nodes={
            "h1": {"address": f"root@{one}"},
            "h2": {
                "address": f"root@{two}:22",
                "proxy_jump": f"root@{one},root@{lab.hosts[0].fast}:22",
            },
        },
    )
    assert lab.run("status").returncode == 0


def test_proxy_command_and_why_it_ended(lab: Lab) -> None:
    home = lab.station("command")
    lab.use(nodes=NAMES)
    options = "-F none -o BatchMode=yes -o UserKnownHostsFile=%d/.ssh/known_hosts"
    words = f"ssh {options} -i %d/.ssh/id_ed25519 -W %h:%p root@{lab.hosts[0].management}"
    write(home, names(lab, second=f"  ProxyCommand {words}\n"))
    assert lab.run("status", env=home).returncode == 0
    write(home, names(lab, second="  ProxyCommand sh -c 'echo no such road >&2; exit 1'\n"))
    said = lab.fails("cluster", "start", env=home)
    assert "h2: ProxyCommand of" in said
    assert "no such road" in said

"""How ssh would reach a host: what `ssh -G` prints, and the way through jump hosts."""

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.inventory.address import Place
from cluster.transport.ssh_options import (
    NO_PROGRAM,
    Asked,
    NoOptions,
    Options,
    config_of,
    options_of,
    question,
    resolve,
    without_ssh,
)
from cluster.transport.way import way_to

PRINTED = """\
user ada
hostname spark-2.lab
port 2222
addressfamily inet
identitiesonly yes
identityagent /home/ada/.agent
identityfile ~/.ssh/${KIND}
identityfile /keys/%h
certificatefile ~/.ssh/%r-cert.pub
globalknownhostsfile /etc/ssh/ssh_known_hosts
userknownhostsfile /home/ada/.ssh/one /home/ada/.ssh/two
proxycommand nc -X 5 %h %p
canonicaldomains none
"""


SPARK = Asked("spark")


def options(text: str, asked: Asked = SPARK, **environ: str) -> Options:
    return options_of(asked, text, environ)


def test_what_ssh_prints_is_all_that_counts() -> None:
    found = options(PRINTED, KIND="id_x")
    assert (found.user, found.host, found.port) == ("ada", "spark-2.lab", 2222)
    assert found.entry == "[spark-2.lab]:2222"
    assert found.identities_only
    assert found.agent == "/home/ada/.agent"
    assert found.identity_files == (Path.home() / ".ssh/id_x", Path("/keys/spark-2.lab"))
    assert found.certificate_files == (Path.home() / ".ssh/ada-cert.pub",)
    assert found.known_hosts == (Path("/home/ada/.ssh/one"), Path("/home/ada/.ssh/two"))
    assert found.proxy_command == "nc -X 5 spark-2.lab 2222"
    assert found.proxy_jump == ()


def test_known_hosts_of_nodes_toml_comes_before_that_of_ssh() -> None:
    found = options(PRINTED, Asked("spark", known_hosts="/etc/mine"))
    assert found.known_hosts == (Path("/etc/mine"),)


@pytest.mark.parametrize(
    ("line", "agent"),
    [
        ("", "/run/agent"),
        ("identityagent none", ""),
        ("identityagent SSH_AUTH_SOCK", "/run/agent"),
        ("identityagent $OTHER", "/run/other"),
        ("identityagent ${OTHER}", "/run/other"),
    ],
)
def test_the_agent(line: str, agent: str) -> None:
    text = f"user ada\n{line}\n"
    assert options(text, SSH_AUTH_SOCK="/run/agent", OTHER="/run/other").agent == agent


def test_jump_hosts_and_none() -> None:
    assert options("proxyjump ada@a,b:22\n").proxy_jump == (Place("a", "ada"), Place("b", None, 22))
    assert options("user ada\nproxycommand none\nproxyjump none\n").proxy_jump == ()


def test_a_home_of_ones_own_is_where_the_files_are_meant() -> None:
    found = options_of(Asked("h"), "userknownhostsfile /root/.ssh/k\n", {}, ("/root", "/home/x"))
    assert found.known_hosts == (Path("/home/x/.ssh/k"),)
    assert config_of("/root", "/root") == ([], "")
    words, text = config_of("/home/x", "/root")
    assert words == ["-F", "/dev/stdin"]
    assert text.splitlines()[0] == 'Include "/home/x/.ssh/config"'


def test_what_nodes_toml_says_goes_to_ssh_and_to_whoever_pastes() -> None:
    asked = Asked("spark", "ada", 2222, "~/.ssh/key", "a,b", "~/known")
    assert asked.words() == [
        *("-i", "~/.ssh/key", "-p", "2222", "-J", "a,b"),
        *("-o", "UserKnownHostsFile=~/known", "ada@spark"),
    ]
    words = ["-i", "~/.ssh/key", "-p", "2222", "-J", "a,b", "-l", "ada", "--", "spark"]
    assert question(asked) == words


def config(home: Path, text: str) -> None:
    (home / ".ssh").mkdir()
    (home / ".ssh/config").write_text(text)


def test_the_real_ssh_reads_what_its_users_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Include, comments, Match, `ProxyJump none`: all of it is ssh's to understand."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "nvsync").write_text("Host spark\n  HostName Spark-2.Lab\n  User ada\n")
    text = f'Include "{tmp_path}/nvsync"\nMatch host spark-2.lab\n  Port 2222  # not 22\n'
    config(tmp_path, text + "Host *\n  ProxyJump none\n  IdentityFile ~/.ssh/away\n")
    found = resolve(Asked("spark"))
    assert (found.user, found.entry, found.proxy_jump) == ("ada", "[spark-2.lab]:2222", ())
    assert found.identity_files == (tmp_path / ".ssh/away",)
    assert found.known_hosts[0] == tmp_path / ".ssh/known_hosts"
    assert resolve(Asked("spark", "bob", 23)).user == "bob"
    assert resolve(Asked("spark", "bob", 23)).port == 23


def test_a_configuration_that_ssh_refuses_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config(tmp_path, "Host *\n  NoSuchOption yes\n")
    with pytest.raises(NoOptions, match="configuration"):
        resolve(Asked("spark"))


def test_without_ssh_nodes_toml_counts_alone_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config(tmp_path, "Host *\n  User other\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = resolve(Asked("spark", "ada", None, "/keys/one", "b:23"))
    assert (found.host, found.port, found.user) == ("spark", 22, "ada")
    assert found.identity_files[0] == Path("/keys/one")
    assert found.proxy_jump == (Place("b", None, 23),)
    assert found.note == NO_PROGRAM


def host(asked: Asked, **changes: object) -> Options:
    return replace(without_ssh(asked, {}), **changes)  # type: ignore[arg-type]


def test_the_way_goes_through_the_jump_hosts_in_their_order() -> None:
    asked = Asked("node", key_file="/k", proxy_jump="ada@a:23,b", known_hosts="/known")
    way = way_to(asked, host)
    assert [(each.host, each.port) for each in way] == [("a", 23), ("b", 22), ("node", 22)]
    assert way[0].user == "ada"
    assert {each.asked.key_file for each in way} == {"/k"}
    assert {each.known_hosts for each in way} == {(Path("/known"),)}


def test_a_jump_host_has_a_jump_host_of_its_own() -> None:
    def told(asked: Asked) -> Options:
        return host(asked, proxy_jump=(Place("far"),) if asked.host == "near" else ())

    jump = Place("near")
    assert [each.host for each in way_to(Asked("near"), told)] == ["far", "near"]
    via = way_to(Asked("n"), lambda a: host(a, proxy_jump=(jump,)) if a.host == "n" else told(a))
    assert [each.host for each in via] == ["far", "near", "n"]


def test_a_way_in_a_circle_ends_with_words() -> None:
    with pytest.raises(NoOptions, match="goes in a circle: bastion"):
        way_to(Asked("node"), lambda asked: host(asked, proxy_jump=(Place("bastion"),)))

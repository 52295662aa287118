"""Features are tried for real, in namespaces that vanish; each refusal is told apart."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
from functools import partial
from pathlib import Path

import pytest

from anycastlab.kernel.features import FEATURES, Feature, examine, lacking, programs, sockets
from anycastlab.kernel.features import trial as trials
from anycastlab.kernel.features.links import link
from anycastlab.kernel.features.remedies import allow_namespaces, load_module, say
from anycastlab.kernel.features.trial import UntriedError, trial

NAMESPACES = FEATURES[0]


def feature(probe, required=False):
    return Feature("thing", "does a thing", probe, "no thing", say("get the thing"), required)


def raises(number: int, text: str):
    def probe() -> str:
        raise OSError(number, text)

    return probe


def test_this_host_has_what_every_lab_needs():
    findings = [examine(each) for each in FEATURES if each.required]
    assert len(findings) >= 5
    assert [found for found in findings if found.outcome != "works"] == []
    assert lacking(findings) == ()


def test_a_working_feature_is_reported_with_its_remark():
    finding = examine(feature(lambda: "fine"))
    assert (finding.outcome, finding.detail, finding.remedy) == ("works", "fine", "")


def test_a_missing_feature_is_reported_with_errno_and_remedy():
    finding = examine(feature(raises(errno.EOPNOTSUPP, "no such kind"), required=True))
    assert (finding.outcome, finding.detail) == ("missing", "no such kind")
    assert finding.errno == errno.errorcode[errno.EOPNOTSUPP]
    assert finding.remedy == "get the thing"
    assert lacking([finding]) == ("thing",)


def test_what_is_missing_but_not_required_is_not_lacking():
    assert lacking([examine(feature(raises(errno.EPERM, "no")))]) == ()


def test_every_feature_says_what_it_is_for_and_what_its_absence_costs():
    names = [each.name for each in FEATURES]
    assert len(set(names)) == len(names)
    for each in FEATURES:
        assert each.purpose and each.cost and each.remedy(), each.name


def test_a_trial_runs_in_another_network_namespace_and_pid_namespace():
    def look() -> str:
        return json.dumps([own_namespace(), os.getpid()])

    space, pid = json.loads(trial(look))
    assert space != own_namespace()
    assert pid == 1


def test_a_trial_leaves_neither_links_nor_processes_behind():
    before = socket.if_nameindex(), own_namespace(), children()
    assert trial(partial(link, "veth")) == ""
    assert (socket.if_nameindex(), own_namespace(), children()) == before


def test_what_a_trial_leaves_behind_would_be_seen():
    before = children()
    child = os.fork()
    if child == 0:
        signal.pause()
    try:
        assert children() != before
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_trial_that_hangs_is_ended_at_the_deadline(monkeypatch):
    monkeypatch.setattr(trials, "_DEADLINE", 0.2)
    before = children()
    with pytest.raises(OSError, match="without an answer"):
        trial(lambda: signal.pause() or "")
    assert children() == before


def test_a_trial_that_crashes_is_told_from_one_that_fails():
    with pytest.raises(OSError, match="without an answer"):
        trial(lambda: os._exit(1))
    with pytest.raises(OSError, match="no thanks") as caught:
        trial(raises(errno.EACCES, "no thanks"))
    assert caught.value.errno == errno.EACCES


def test_nobody_becomes_root_of_a_user_namespace_of_its_own():
    inside, outside, count = trial(uid_map, as_nobody=True).split()
    assert (inside, count) == ("0", "1")
    assert outside == str(65534 if os.geteuid() == 0 else os.geteuid())


def test_refused_namespaces_are_missing_and_what_needs_them_is_untried():
    """The limit is set inside a user namespace, where it binds nobody else."""

    def refused() -> str:
        Path("/proc/sys/user/max_net_namespaces").write_bytes(b"0")
        needy = feature(partial(trial, lambda: ""))
        return json.dumps(
            [(found.outcome, found.errno) for found in (examine(NAMESPACES), examine(needy))]
        )

    assert json.loads(trial(refused, as_nobody=True)) == [
        ["missing", "ENOSPC"],
        ["untried", "ENOSPC"],
    ]


def test_a_link_kind_the_kernel_lacks_is_refused():
    with pytest.raises(OSError) as caught:
        trial(partial(link, "no-such-kind"))
    assert caught.value.errno == errno.EOPNOTSUPP


def test_a_sysctl_the_kernel_lacks_is_refused():
    assert trial(partial(sockets.sysctls, ipv4__ip_forward="1")) == ""
    with pytest.raises(OSError) as caught:
        trial(partial(sockets.sysctls, ipv4__no_such_thing="1"))
    assert caught.value.errno == errno.ENOENT


def test_a_sysctl_that_does_not_keep_its_value_is_refused():
    with pytest.raises(OSError):
        trial(partial(sockets.sysctls, ipv4__fib_multipath_hash_policy="99"))


def test_a_rule_nft_cannot_load_is_refused_in_its_own_words():
    with pytest.raises(OSError, match="syntax error"):
        trial(partial(programs.nft_rules, "no such statement"))


def test_rules_are_untried_without_the_program_nft(monkeypatch):
    monkeypatch.setattr(programs, "_PLACES", ())
    with pytest.raises(UntriedError, match="no program nft"):
        trial(partial(programs.nft_rules, "accept"))


def test_a_program_is_found_in_its_place_or_named():
    assert Path(programs.program("sh")).is_file()
    with pytest.raises(FileNotFoundError, match="no program no-such-program"):
        programs.program("sh", "no-such-program")


def test_few_open_files_mean_small_labs():
    def limited(files: int) -> str:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        return programs.descriptors()

    assert trial(partial(limited, 2000)) == "labs of up to 1936 nodes"
    with pytest.raises(OSError, match="at most 192 nodes") as caught:
        trial(partial(limited, 256))
    assert caught.value.errno == errno.EMFILE


def test_a_module_on_disk_is_to_be_loaded_and_another_to_be_installed(tmp_path):
    index = tmp_path / "6.1/modules.dep"
    index.parent.mkdir()
    index.write_text("kernel/net/sched/sch_netem.ko.xz: kernel/lib/x.ko.xz\nkernel/ip-gre.ko:\n")
    assert load_module("sch_netem", "6.1", tmp_path) == "sudo modprobe sch_netem"
    assert load_module("ip_gre", "6.1", tmp_path) == "sudo modprobe ip_gre"
    assert load_module("x", "6.1", tmp_path).startswith("boot a kernel with x ")
    assert load_module("sch_netem", "6.2", tmp_path).startswith("boot a kernel with sch_netem ")


@pytest.mark.parametrize(
    ("switch", "value", "remedy"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
        ("user/max_net_namespaces", "0", "user.max_net_namespaces=10000"),
    ],
)
def test_the_setting_that_forbids_user_namespaces_is_named(tmp_path, switch, value, remedy):
    proc = fake_proc(tmp_path)
    (proc / "sys" / switch).write_text(f"{value}\n")
    assert allow_namespaces(proc, root=False) == f"sudo sysctl {remedy}"
    (proc / "sys" / switch).write_text(f"{1 - int(value)}\n")
    assert allow_namespaces(proc, root=False) == "run as root (sudo)"


def test_a_seccomp_filter_and_a_lack_of_capabilities_are_named(tmp_path):
    proc = fake_proc(tmp_path)
    assert "CAP_SYS_ADMIN" in allow_namespaces(proc, root=True)
    (proc / "self/status").write_text("Seccomp:\t2\n")
    assert "seccomp" in allow_namespaces(proc, root=True)


def fake_proc(place: Path) -> Path:
    for directory in ("sys/kernel", "sys/user", "self"):
        (place / directory).mkdir(parents=True)
    (place / "self/status").write_text("Seccomp:\t0\n")
    return place


def uid_map() -> str:
    return Path("/proc/self/uid_map").read_bytes().decode()


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def own_namespace() -> str:
    return str(Path("/proc/self/ns/net").readlink())

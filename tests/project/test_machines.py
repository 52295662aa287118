"""The virtual machines and the hosted CI are made by the same scripts as any other machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
import yaml

from .sources import ROOT

PROVIDERS = {"libvirt", "virtualbox", "parallels", "vmware_desktop", "qemu"}
SETUP = "/vagrant/scripts/setup test"
READ_VAGRANTFILE = r"""
require "json"

class Recorder < BasicObject
  def initialize(told, path) = (@told, @path = told, path)

  def method_missing(name, *words, **options)
    path = [*@path, name.to_s.delete_suffix("=")]
    case
    when name == :[]= then @told[[*@path, words[0]].join(".")] = words[1]
    when name.end_with?("=") then @told[path.join(".")] = words[0]
    when words.empty? then return ::Recorder.new(@told, path)
    else @told[[*path, words[0]].join(".")] = options
    end
    yield ::Recorder.new(@told, [*path, words[0]]) if ::Kernel.block_given?
  end
end

module Vagrant
  def self.configure(_version)
    told = {}
    yield Recorder.new(told, [])
    puts JSON.dump(told)
  end
end

load ARGV[0]
"""


def needs(program: str) -> str:
    """Return where *program* is; skip the test, saying so, where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def read_vagrantfile(**environment: str) -> dict[str, object]:
    """Return what the Vagrantfile sets, by dotted name."""
    done = subprocess.run(
        [needs("ruby"), "-e", READ_VAGRANTFILE, str(ROOT / "Vagrantfile")],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    settings = json.loads(done.stdout)
    assert isinstance(settings, dict)
    return settings


def validate(directory, tmp_path) -> subprocess.CompletedProcess[str]:
    home = {"VAGRANT_HOME": str(tmp_path / "home"), "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot")}
    return subprocess.run(
        [needs("vagrant"), "validate", "--ignore-provider"],
        cwd=directory,
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        check=False,
    )


def test_vagrant_accepts_the_vagrantfile(tmp_path):
    done = validate(ROOT, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_vagrant_refuses_a_broken_one(tmp_path):
    text = (ROOT / "Vagrantfile").read_text()
    (tmp_path / "Vagrantfile").write_text(text.replace("config.vm.hostname", "config.vm.hostnam"))
    assert validate(tmp_path, tmp_path).returncode != 0


def test_every_provider_gets_two_cpus_and_four_gigabytes():
    told = read_vagrantfile()
    for name in ("libvirt", "virtualbox", "parallels"):
        assert told[f"vm.provider.{name}.cpus"] == 2
        assert told[f"vm.provider.{name}.memory"] == 4096
    assert told["vm.provider.vmware_desktop.vmx.numvcpus"] == "2"
    assert told["vm.provider.vmware_desktop.vmx.memsize"] == "4096"
    assert told["vm.provider.qemu.smp"] == "2"
    assert told["vm.provider.qemu.memory"] == "4096M"
    assert {key.split(".")[2] for key in told if key.startswith("vm.provider.")} == PROVIDERS


def test_box_url_and_size_come_from_the_environment():
    plain = read_vagrantfile()
    assert plain["vm.box"] == "debian/bookworm64"
    assert "vm.box_url" not in plain
    told = read_vagrantfile(
        ANYCASTLAB_BOX="mine", ANYCASTLAB_BOX_URL="file:///mine.box", ANYCASTLAB_CPUS="8"
    )
    assert told["vm.box"] == "mine"
    assert told["vm.box_url"] == "file:///mine.box"
    assert told["vm.provider.libvirt.cpus"] == 8


def test_the_machine_is_provisioned_by_the_setup_script():
    told = read_vagrantfile()
    assert told["vm.provision.shell"] == {"inline": SETUP}
    folder = told["vm.synced_folder.."]
    assert isinstance(folder, dict)
    assert folder["type"] == "rsync"
    assert {".venv/", ".git/"} <= set(folder["rsync__exclude"])


def test_the_vagrantfile_promises_so_even_where_ruby_is_missing():
    text = (ROOT / "Vagrantfile").read_text()
    assert {"ANYCASTLAB_BOX", "ANYCASTLAB_BOX_URL", SETUP, *PROVIDERS} <= set(
        text.replace('"', " ").replace("[", " ").replace("]", " ").split()
    ) | {SETUP if SETUP in text else ""}


def test_lima_uses_debian_by_its_template_and_the_setup_script():
    lima = yaml.safe_load((ROOT / "lima.yaml").read_text())
    assert lima["base"] == "template://_images/debian-12"
    (step,) = lima["provision"]
    assert step["mode"] == "system"
    assert "/anycastlab/scripts/setup test" in step["script"]


def test_hosted_ci_calls_the_scripts_and_uploads_nothing():
    text = (ROOT / ".github/workflows/test.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    commands = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    used = {step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step}
    assert commands == {"scripts/lint", "sudo scripts/test", "sudo scripts/demo"}
    assert {action.partition("@")[0] for action in used} == {"actions/checkout"}

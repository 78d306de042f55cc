"""Programs of others that are measured: Debian's packages, installed where they are missing; etcd is only unpacked."""

import contextlib
import os
import pathlib
import re
import shutil

from errors import BenchError
from process import environment, run

# A package for each program that is needed.
PACKAGES = {
    "protoc": "protobuf-compiler",
    "redis-server": "redis-server",
    "postgres": "postgresql-15",
}
POSTGRES_PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
# Debian asks this file before it starts a service that was just installed; 101 means no.
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
ETCD_PACKAGES = ("etcd-server", "etcd-client")
ETCD_RELEASE = "trixie"


def find(program):
    """Where a program is, if it is there."""
    found = shutil.which(program)
    if found is None and (POSTGRES_PROGRAMS / program).exists():
        found = str(POSTGRES_PROGRAMS / program)
    return found


def install(programs):
    """Installs the packages of those programs that are missing, without starting their services."""
    missing = sorted({PACKAGES[program] for program in programs if find(program) is None})
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BenchError(f"install {' '.join(missing)} first: that takes root, and apt-get")
    print(f"installing {' '.join(missing)}", flush=True)
    with no_services():
        quiet = environment(DEBIAN_FRONTEND="noninteractive")
        run(["apt-get", "-qq", "update"], env=quiet, timeout=300)
        run(["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing], env=quiet, timeout=900)


@contextlib.contextmanager
def no_services():
    """While this lasts, installing a service does not start it."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    try:
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink()


def etcd(given, directory):
    """A program of etcd 3.5 or later: the given one, an installed one, or the next Debian's, unpacked in the directory and
    gone with it."""
    if given is not None:
        return given.resolve()
    installed = shutil.which("etcd")
    if installed is not None and etcd_version(run([installed, "--version"])) >= (3, 5):
        return pathlib.Path(installed)
    return download_etcd(directory / "etcd-package")


def etcd_version(text):
    """Its version as numbers, from what it says."""
    found = re.search(r"etcd Version: (\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def mirror(sources):
    """Where Debian's packages come from, from the text of debian.sources."""
    found = re.search(r"^URIs: *(\S+)", sources, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"


def download_etcd(directory):
    print(f"downloading etcd of Debian {ETCD_RELEASE}", flush=True)
    (directory / "lists/partial").mkdir(parents=True)
    sources = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
    address = mirror(sources.read_text() if sources.exists() else "")
    source_list = directory / "release.list"
    source_list.write_text(f"deb {address} {ETCD_RELEASE} main\n")
    apt = ["apt-get", "-qq"]
    for key, value in {
        "Dir::Etc::SourceList": source_list,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": directory / "lists",
        "APT::Sandbox::User": "root",
    }.items():
        apt += ["-o", f"{key}={value}"]
    run([*apt, "update"], cwd=directory, timeout=300)
    run([*apt, "download", *(f"{name}/{ETCD_RELEASE}" for name in ETCD_PACKAGES)], cwd=directory, timeout=300)
    for package in directory.glob("*.deb"):
        run(["dpkg-deb", "-x", package, directory / "files"])
    program = directory / "files/usr/bin/etcd"
    if not program.exists():
        raise BenchError("Debian's packages of etcd have no program etcd")
    return program

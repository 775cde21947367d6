"""Limits the CPU time of a process and its children with a control group (version 1 or 2)."""
import os
import pathlib
import secrets

import pytest

ROOT = pathlib.Path("/sys/fs/cgroup")
PERIOD_US = 10_000  # short, so that a capped process runs slowly instead of stalling and catching up


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class CpuCap:
    """Limits a process and its descendants together to `share` of one CPU, until lift()."""

    def __init__(self, pid, share):
        unified = ROOT / "cgroup.controllers"
        is_unified = unified.exists() and "cpu" in unified.read_text().split()
        parent = ROOT if is_unified else ROOT / "cpu"
        if os.geteuid() != 0 or not os.access(parent / "cgroup.procs", os.W_OK):
            pytest.skip("a cap on processor time needs root and control groups")
        self.parent = parent
        self.group = parent / f"tps-{secrets.token_hex(3)}"
        if is_unified:
            (parent / "cgroup.subtree_control").write_text("+cpu")
        self.group.mkdir()
        try:
            self._limit(is_unified, int(PERIOD_US * share))
            for one in (pid, *children_of(pid)):
                (self.group / "cgroup.procs").write_text(str(one))
        except OSError:
            self.lift()
            raise

    def _limit(self, is_unified, quota_us):
        if is_unified:
            (self.group / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")
        else:
            (self.group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self.group / "cpu.cfs_quota_us").write_text(str(quota_us))

    def lift(self):
        """Moves the remaining processes back to the unlimited group."""
        for pid in (self.group / "cgroup.procs").read_text().split():
            (self.parent / "cgroup.procs").write_text(pid)
        self.group.rmdir()

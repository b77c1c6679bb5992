"""What the rigs need of the machine, and why a test is skipped where that is missing."""

import os
import sys

import pytest

linux = pytest.mark.skipif(
    sys.platform != "linux", reason="strace, loop devices, tmpfs, os.setxattr are Linux's own"
)

root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="mounting loop devices, FUSE and tmpfs takes Linux and root: sudo make faults",
)

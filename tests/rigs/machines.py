"""What the rigs need of the machine, and the reason a test skips with where that is missing."""

import os
import sys

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="strace, loop devices and tmpfs are Linux's own")

root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="mounting loop devices, FUSE and tmpfs takes Linux and root: sudo make faults",
)

"""What the numbers were measured on: ratios travel between machines, seconds do not."""

import os
import platform
import subprocess
import sys

import psutil


def file_system(path: str) -> str:
    """The type of the file system that a path lies on."""
    real = os.path.realpath(path)
    mounts = [part for part in psutil.disk_partitions(all=True) if _below(real, part.mountpoint)]
    return max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else "unknown"


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def processor() -> str:
    """The processor's name, as the system knows it."""
    if sys.platform == "darwin":
        argv = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def facts(folder: str) -> dict[str, str]:
    """What is printed above every table."""
    memory = psutil.virtual_memory()
    return {
        "processor": f"{processor()}, {psutil.cpu_count(logical=False)} cores, {os.cpu_count()} threads",
        "memory": f"{memory.total / 2**30:.1f} GiB, {memory.available / 2**30:.1f} free",
        "file system": file_system(folder),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }

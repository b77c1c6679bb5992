"""Run one command from start to exit and say how long it took, what processor time and what memory."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.2
TAIL = 1 << 16
LADING = os.path.join(os.path.dirname(sys.executable), "lading")


class FailedRunError(RuntimeError):
    """A measured command failed, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: wall seconds of the whole command, processor seconds of all its processes and of the engine alone,
    peak memory, end of its output."""

    seconds: float
    cpu_seconds: float
    engine_cpu: float
    engine_rss: int
    worker_rss: int
    output: bytes

    def __add__(self, other: "Measured") -> "Measured":
        return Measured(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            self.engine_cpu + other.engine_cpu,
            max(self.engine_rss, other.engine_rss),
            max(self.worker_rss, other.worker_rss),
            other.output,
        )


class Memory(threading.Thread):
    """Samples the resident memory of every process whose LADING_HOME is the given folder.

    The variable is inherited by all that a command starts, detached or not. The process with most children
    of its own kind is the engine; its workers run core.workers, other processes of it decode media.
    """

    def __init__(self, home: str) -> None:
        super().__init__(daemon=True)
        self.home = home
        self.engine = 0
        self.worker = 0
        self.ended = threading.Event()
        self.ours: dict[int, psutil.Process] = {}
        self.workers: set[int] = set()
        self.others: set[int] = set(psutil.pids())

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_SECONDS):
            self.find()
            self.sample()

    def find(self) -> None:
        """Look at the processes that are new since the last time."""
        for pid in set(psutil.pids()) - self.others - self.ours.keys():
            try:
                process = psutil.Process(pid)
                mine = process.environ().get("LADING_HOME") == self.home
                works = any(word.startswith("core.workers") for word in process.cmdline())
            except (psutil.Error, OSError):
                continue
            if mine:
                self.ours[pid] = process
                self.workers.update([pid] if works else [])
            else:
                self.others.add(pid)

    def sample(self) -> None:
        """Take the memory of each process that still runs."""
        sizes: dict[int, int] = {}
        parents: dict[int, int] = {}
        for pid, process in list(self.ours.items()):
            try:
                with process.oneshot():
                    sizes[pid], parents[pid] = process.memory_info().rss, process.ppid()
                    python = "python" in process.name().lower() or "lading" in process.name().lower()
                if not python:
                    del sizes[pid], parents[pid]
            except psutil.Error:
                del self.ours[pid]
                sizes.pop(pid, None)
        if not sizes:
            return
        children = [parent for pid, parent in parents.items() if pid in sizes and parent in sizes]
        engine = max(sizes, key=lambda pid: (children.count(pid), -pid))
        self.engine = max(self.engine, sizes.pop(engine))
        self.worker = max(self.worker, *(size for pid, size in sizes.items() if pid in self.workers), 0)


def processor(processes: Iterable[psutil.Process], command: int) -> tuple[float, float]:
    """Processor seconds of these so far, those of their children that have ended included, but for what `command`
    has used itself; and of the engine among them."""
    total = engine = 0.0
    for process in processes:
        try:
            times, named = process.cpu_times(), " ".join(process.cmdline())
        except psutil.Error:
            continue
        if process.pid != command:
            own = times.user + times.system
            total += own + times.children_user + times.children_system
            engine += own if "core.server" in named or "core.engine" in named else 0.0
    return total, engine


def measure(argv: Sequence[str], env: Mapping[str, str] | None = None, home: str | None = None) -> Measured:
    """Run a command; with `home` given, that is its LADING_HOME and its memory is sampled."""
    full = {**os.environ, **(env or {}), **({"LADING_HOME": home} if home else {})}
    # An installed program has its modules compiled.
    full.pop("PYTHONDONTWRITEBYTECODE", None)
    memory = Memory(home) if home else None
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        if memory:
            memory.start()
        started = time.perf_counter()
        process = subprocess.Popen(argv, env=full, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        left, engine = 0.0, 0.0
        if memory:
            memory.ended.set()
            memory.join()
            memory.find()
            left, engine = processor(memory.ours.values(), process.pid)
        if home:
            stop(full, argv[0] if os.path.basename(argv[0]) == "lading" else LADING)
        if process.returncode:
            said = (_tail(output.fileno()) + _tail(errors.fileno())).decode(errors="replace").strip()
            raise FailedRunError(f"{' '.join(argv)}\nfailed with {process.returncode}: {said[-2000:]}")
        cpu = usage.ru_utime + usage.ru_stime + left
        rss = (memory.engine, memory.worker) if memory else (0, 0)
        return Measured(seconds, cpu, engine, *rss, _tail(output.fileno()))


def stop(environ: Mapping[str, str], lading: str = LADING) -> None:
    """End the engine that a command left behind with its background work: it would disturb the next one."""
    run_quietly([lading, "engine", "stop"], environ)


def run_quietly(argv: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run a command that is not measured. Raises CalledProcessError."""
    subprocess.run(argv, env=environ, check=True, capture_output=True)


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, TAIL, max(0, size - TAIL))

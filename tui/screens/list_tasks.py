"""Tasks that only list something: cards, locations, failed jobs, settings, the log, the machine."""

import os

from core import log as core_log
from core.config import origins
from core.protocol.archive_requests import ListLocations
from core.protocol.import_requests import ListCards
from core.protocol.queue_requests import ListJobs
from core.snapshot import JobView
from core.threads import aside
from tui.console import card_list, checkup, doctor_checks, job_list, location_list, log_lines, settings_list
from tui.console.output import Output
from tui.screens.archive_tasks import Screen, archive_of, open_task
from tui.screens.task import OnProgress

JOBS_SHOWN = 1000
"""Pages of failed jobs are requested until so many are listed."""

LOG_SHOWN = 500
"""Lines of the log that are shown."""

LOG_TIMEOUT = 8.0
"""Seconds that reading them may take."""


def locations(screen: Screen) -> None:
    """List all locations of the archive."""
    archive = os.fsencode(archive_of(screen))

    async def work(progress: OnProgress, out: Output) -> None:
        location_list.tell(await screen.lading.connection.call(ListLocations(archive=archive)), out)

    open_task(screen, "LOCATIONS", work)


def cards(screen: Screen) -> None:
    """List all cards with the newest verdict on each."""

    async def work(progress: OnProgress, out: Output) -> None:
        if found := await screen.lading.connection.call(ListCards()):
            card_list.tell(found, out, screen.lading.settings.archive)
        else:
            out.line("Nothing was imported yet.")

    open_task(screen, "CARDS", work)


def jobs(screen: Screen, queue: str = "") -> None:
    """List background jobs that have failed for good, of one queue or (empty) of all."""

    async def work(progress: OnProgress, out: Output) -> None:
        found: list[JobView] = []
        while len(found) < JOBS_SHOWN and (
            page := await screen.lading.connection.call(
                ListJobs(state="dead", queue=queue, after=found[-1].id if found else 0)
            )
        ):
            found += page
        if found:
            job_list.tell(found, out)
        else:
            out.line("No background job has failed for good.")

    open_task(screen, "FAILED JOBS", work)


def settings(screen: Screen) -> None:
    """List all settings, and where each value comes from."""

    async def work(progress: OnProgress, out: Output) -> None:
        found = settings_list.settings_of(screen.lading.settings, origins(os.environ))
        settings_list.tell(found, out)
        out.line("Change them: lading config edit")

    open_task(screen, "SETTINGS", work)


def log(screen: Screen) -> None:
    """Show the last lines of the engine's log."""
    home = screen.lading.settings.home

    async def work(progress: OnProgress, out: Output) -> None:
        lines = await aside(lambda: list(core_log.last(home, LOG_SHOWN)), LOG_TIMEOUT)
        for line in lines:
            out.line(log_lines.shown(line, out))

    open_task(screen, "LOG", work)


def doctor(screen: Screen) -> None:
    """Look at the machine, the tools, the volumes and the archive."""
    settings = screen.lading.settings

    async def work(progress: OnProgress, out: Output) -> None:
        checkup.tell(await doctor_checks.examine(settings, settings.archive, os.environ), out)

    open_task(screen, "DOCTOR", work)

"""Printing background jobs as a table."""

import os
import time
from typing import TYPE_CHECKING

from tui import format
from tui.console.output import Output

if TYPE_CHECKING:
    from core.snapshot import JobView


def tell(found: "list[JobView]", out: Output) -> None:
    """Print a row for each job."""
    rows = [["ID", "QUEUE", "STATE", "TRIES", "SUBJECT", "ERROR"]]
    for job in found:
        error = out.text(job.error)
        if job.due:
            error = f"again in {format.duration(job.due - time.time())}: {error}"
        subject = out.text(os.path.basename(job.subject) if "/" in job.subject else job.subject)
        rows.append([str(job.id), job.queue, job.state, str(job.attempts), subject, error or "-"])
    out.table(rows)
    if any(job.state == "dead" for job in found):
        out.line("Try what is dead again: lading retry [ID…] [--queue NAME]")

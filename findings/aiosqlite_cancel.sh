#!/usr/bin/env bash
# A statement of aiosqlite whose task is cancelled is carried out all the same: the thread that runs it is not told. Code that takes
# CancelledError for "nothing was written" is wrong, and a second coroutine on the connection commits those rows with its own.
#
# Seen with aiosqlite 0.22.1 on Python 3.11:
#   cancelled; rows that are there: 3
set -euo pipefail
T=$(mktemp -d); trap 'rm -rf "$T"' EXIT; cd "$T"
python3 -m venv v; v/bin/pip -q install aiosqlite==0.22.1 2>/dev/null
v/bin/python - <<'P' | tee said
import asyncio
import threading

import aiosqlite


async def main() -> None:
    db = await aiosqlite.connect(":memory:")
    begun, go = threading.Event(), threading.Event()

    def wait(value):
        begun.set()
        go.wait(10)
        return value

    await db.create_function("wait", 1, wait)
    await db.execute("CREATE TABLE t (x)")
    task = asyncio.create_task(db.execute("INSERT INTO t SELECT wait(value) FROM json_each('[1, 2, 3]')"))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        go.set()
        ((rows,),) = await db.execute_fetchall("SELECT count(*) FROM t")
        print(f"cancelled; rows that are there: {rows}")
    await db.close()


asyncio.run(main())
P
[ "$(cat said)" = "cancelled; rows that are there: 3" ]

"""The tasks of the queues: background work on what the archive holds, one module per queue. They do not use the
queue."""

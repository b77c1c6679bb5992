"""Background work on what the archive holds: one module a queue. They know nothing of the queue itself."""

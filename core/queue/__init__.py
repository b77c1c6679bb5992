"""The job queue: a table in the database, and the loop that keeps its workers full."""

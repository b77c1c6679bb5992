"""Serving an archive by its original names, to programs that read folders: WebDAV, read-only, beside any
engine."""

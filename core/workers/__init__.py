"""Worker processes: the only processes that touch a source or an archive, because such a call may hang."""

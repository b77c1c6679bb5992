"""Worker processes: the only ones that touch a source or an archive, because only they may hang."""

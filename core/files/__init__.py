"""Operations on files: plain blocking functions that run in worker processes, never in the engine."""

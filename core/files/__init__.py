"""What is done to files: plain blocking functions that run in worker processes, never in the engine."""

"""The engine and its process: commands in, snapshots out."""

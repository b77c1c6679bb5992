"""The engine's end of the socket."""

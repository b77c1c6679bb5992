"""The terminal's end of the socket."""

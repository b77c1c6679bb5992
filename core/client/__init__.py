"""A terminal's end of the socket."""

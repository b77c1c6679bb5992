"""The output of commands, and how they follow an engine without the app."""

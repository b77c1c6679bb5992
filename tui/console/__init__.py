"""What commands print, and how they watch an engine without the app."""

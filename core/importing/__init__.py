"""One import, from the first listing of its source to its verdict."""

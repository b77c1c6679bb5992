"""Out of the archive again: original trees for who wants them back."""

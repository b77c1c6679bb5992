"""Real photos that lie beside the project on some machines; tests use them in addition to media of their own."""

from pathlib import Path

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"

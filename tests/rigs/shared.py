"""Real photos that are beside the project on some machines; tests use them in addition to generated media."""

from pathlib import Path

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"

"""The demo's three cards, in their cameras' layouts; one of them has faults."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import msgspec

from tui.demo.media import FilmCutter, Photos

PHOTOS, FILMS = 24, 3
"""The numbers of photos and films on each card."""

LOOSE = 9 << 20
"""Bytes of the file that is still being written: too many for any reader to reach its end at once."""


class DemoCard(msgspec.Struct, frozen=True):
    """One card: its label, its camera, its folder of pictures and the patterns of their names."""

    label: str
    maker: str
    model: str
    folder: str
    photo: str
    film: str


CARDS = (
    DemoCard("A001 EOS R5", "Canon", "Canon EOS R5", "DCIM/100CANON", "IMG_{:04}.JPG", "MVI_{:04}.MP4"),
    DemoCard("B002 A7S III", "SONY", "ILCE-7SM3", "DCIM/100MSDCF", "DSC{:05}.JPG", "C{:04}.MP4"),
    DemoCard("C003 HERO11", "GoPro", "HERO11 Black", "DCIM/100GOPRO", "GOPR{:04}.JPG", "GX01{:04}.MP4"),
)


def make(root: str, ffmpeg: str | None, told: Callable[[str], None]) -> list[str]:
    """Make the cards below `root`. Returns their folders. Without ffmpeg they have no films. Raises OSError."""
    films = None
    if ffmpeg is not None:
        told("Making a film.")
        films = FilmCutter(ffmpeg, os.path.dirname(root))
    told("Filling three cards.")
    made = [os.path.join(root, card.label) for card in CARDS]
    with ThreadPoolExecutor(len(CARDS)) as threads:
        list(threads.map(_fill, made, CARDS, range(len(CARDS)), repeat(films)))
    _known(made[0], made[1])
    _spoil(made[2])
    return made


def _fill(top: str, card: DemoCard, seed: int, films: FilmCutter | None) -> None:
    folder = os.path.join(top, card.folder)
    os.makedirs(folder)
    camera = Photos(card.maker, card.model, seed)
    for number in range(1, PHOTOS + 1):
        path = os.path.join(folder, card.photo.format(number))
        camera.take(path)
        if number % 3 == 0:
            with open(path.rpartition(".")[0] + ".XMP", "w", encoding="utf-8") as file:
                file.write(_XMP.format(rating=number % 6, name=os.path.basename(path)))
    if films is None:
        return
    for number in range(1, FILMS + 1):
        path = os.path.join(folder, card.film.format(number))
        films.take(path, 10 + (number + seed) % 3 * 2, seed * 100 + number)
        camera.take(path.rpartition(".")[0] + ".THM", small=True)


def _known(first: str, second: str) -> None:
    """Put some photos of the first card on the second one, too."""
    folder = os.path.join(second, "DCIM", "101FOUND")
    os.makedirs(folder)
    names = sorted(os.listdir(os.path.join(first, CARDS[0].folder)))
    for name in [name for name in names if name.endswith(".JPG")][::4]:
        shutil.copy2(os.path.join(first, CARDS[0].folder, name), os.path.join(folder, name))


def _spoil(top: str) -> None:
    """Truncate a photo and a film: their copies are exact, but no thumbnail can be made of them."""
    folder = os.path.join(top, CARDS[2].folder)
    for name in (CARDS[2].photo.format(PHOTOS), CARDS[2].film.format(FILMS)):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            os.truncate(path, os.path.getsize(path) // 2)


def loose(top: str) -> str:
    """The path of the file on the last card that is still being written, so that it cannot be archived."""
    return os.path.join(top, CARDS[2].folder, CARDS[2].film.format(99))


_XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}" xmp:Label="{name}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""

"""Action cameras and drones: GoPro, Insta360, DJI."""

from core.media.makers.rule import FIRST_FILMS, NO_SOURCE, Role, rule, take, words

_GOPRO_NAMES = "vafudr.blogspot.com/2022/10/gopro-camera-file-naming.html"
_GOPRO_LRV = "github.com/damonlynch/rapid-photo-downloader, pull request 115"
_MMT = "github.com/KonradIT/mmt, filetypes.go"
_INSTA = f"insta.pk360.de; subethasoftware.com, 2022-04-06; {_MMT}"
_DJI_CARD = "bentleyhensel.com/whats-all-this-stuff-on-my-memory-card"

_FILMS = (words(b"mp4 360 36p"),)

RULES = (
    rule("GoPro", Role.PROXY, b"lrv", rb"GL(\w{2}\d{4})", rb"GX\1 GH\1 GS\1", _FILMS, _GOPRO_LRV, rivals=True),
    rule("GoPro", Role.THUMBNAIL, b"thm", rb"GL(\w{2}\d{4})", rb"GX\1 GH\1 GS\1", _FILMS, _GOPRO_LRV, rivals=True),
    rule("GoPro", Role.CHAPTER, _FILMS[0], rb"(G[XHS])(?!0[01])\d\d(\d{4})", rb"\g<1>01\2", _FILMS, _GOPRO_NAMES),
    rule("GoPro", Role.CHAPTER, _FILMS[0], rb"GP\d\d(\d{4})", rb"GOPR\1", _FILMS, _GOPRO_NAMES),
    rule("GoPro Fusion", Role.CHAPTER, b"mp4", rb"(?:GPBK|G[FB]\d\d)(\d{4})", rb"GPFR\1", b"mp4", _MMT),
    rule("GoPro", Role.AUDIO, b"wav", rb"G[XHS]\w{2}\d{4}|GOPR\d{4}|GP\d{6}", rb"\g<0>", _FILMS, _MMT),
    rule(
        "Insta360", Role.CHAPTER, b"insv", rb"((?:PRO_)?VID_\d{8}_\d{6})_10_(\d{3})", rb"\1_00_\2", b"insv", _INSTA
    ),
    rule(
        "Insta360",
        Role.PROXY,
        b"insv lrv",
        rb"(PRO_|)LRV_(\d{8}_\d{6})_\d\d_(\d{3})",
        rb"\1VID_\2_00_\3",
        b"insv mp4",
        _INSTA,
    ),
    rule(
        "Insta360",
        Role.PROXY,
        b"lrv",
        rb"(PRO_|)LRV_(\d{8}_\d{6}_\d{3})",
        rb"\1VID_\2",
        b"mp4 insv",
        "github.com/AdrianEddy/telemetry-parser, issue 57",
    ),
    rule("DJI", Role.AUDIO, b"wav aac", rb"DJI_.+", rb"\g<0>", b"osv mp4 mov", NO_SOURCE),
    rule(
        "DJI",
        Role.THUMBNAIL,
        b"thm scr",
        rb"DJI_.+",
        rb"DCIM/%1/\g<0>",
        FIRST_FILMS,
        _DJI_CARD,
        within=rb"MISC/THM/(DJI_\w+)",
    ),
    rule(
        "DJI",
        Role.THUMBNAIL,
        b"thm scr",
        rb"DJI_\d{4}",
        rb"DCIM/%1MEDIA/\g<0>",
        FIRST_FILMS,
        _DJI_CARD,
        within=rb"MISC/THM/(\d{3})",
    ),
)

TAKES = (
    take(b"mp4 360 36p", rb"(G[XHSG])\d\d(\d{4})", rb"\1\2"),
    take(b"mp4 360 36p", rb"(G[XHS][A-Z]{2})\d{4}", rb"\1"),
    take(b"mp4 360 36p", rb"(?:GOPR|GP\d\d)(\d{4})", rb"gopr\1"),
    take(b"mp4", rb"(?:GPFR|GPBK|G[FB]\d\d)(\d{4})", rb"gpfr\1"),
    take(b"jpg gpr", rb"(G\d{3})\d{4}", rb"\1"),  # the pictures of one burst
    take(b"insv", rb"((?:PRO_)?VID_\d{8}_\d{6})_[01]0_(\d{3})", rb"\1_\2"),
)

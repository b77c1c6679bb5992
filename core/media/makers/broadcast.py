"""Broadcast cameras: Sony XAVC, XDCAM and SAM, Panasonic P2; AVCHD of all makers."""

from core.media.makers.rule import Groups, Role, rule, take, words

_SONY_TREE = "github.com/YosoraLife/Videoclip-import"
_XDCAM = "github.com/adobe/XMP-Toolkit-SDK, XDCAM_Handler and XDCAMEX_Handler"
_Z300 = "helpguide.sony.net/pro/z300z380"
_P2 = "github.com/adobe/XMP-Toolkit-SDK, P2_Handler; pro-av.panasonic.net: AG-CX350, chapter05_08_09"
_AVCHD = "Blu-ray Disc Association, File Directory (bdwiki.storyteller.pw/2024/02): one number for stream and clip"
_AVCLIP = f"{_P2}; manualshive.com: AJ-PX800G, page 45"

_CLIPS: Groups = (words(b"mp4 mxf mov"),)
_SAM = rb"PROAV/CLPR/[^/]+"
_ABOUT = b"xml bim ppn klv xmp smi"

RULES = (
    rule("Sony", Role.METADATA, _ABOUT, rb"(.+)[CIMR]\d\d", rb"\1", _CLIPS, f"{_SONY_TREE}; {_XDCAM}"),
    rule("Sony", Role.THUMBNAIL, b"jpg", rb"(.+)T\d\d", rb"CLIP/\1", _CLIPS, _SONY_TREE, within=b"THMBNL"),
    rule("Sony", Role.PROXY, _CLIPS[0], rb"(.+)S\d\d", rb"CLIP/\1", _CLIPS, _SONY_TREE, within=b"SUB"),
    rule(
        "Sony XDCAM",
        Role.PROXY,
        _CLIPS[0],
        rb"(.+)S\d\d",
        rb"%1/Clip/\1 %1/CLIP/\1",
        _CLIPS,
        _Z300,
        within=rb"(XDROOT)/SUB",
    ),
    rule(
        "Sony",
        Role.PROXY,
        b"mp4",
        rb"(.+)\d{3}S\d\d",
        rb"CLIP/\1",
        _CLIPS,
        _Z300,
        within=rb"GENERAL/SONY/PXTMP",
    ),
    rule(
        "Sony XDCAM EX",
        Role.CHAPTER,
        b"mp4",
        rb"(\w+_\d{4})_(?!01)\d\d",
        rb"%1/\1_01/\1_01",
        b"mp4",
        _XDCAM,
        within=rb"(CLPR)/\w+_\d{4}_\d\d",
    ),
    rule("Sony SAM", Role.METADATA, _ABOUT, rb"(.+)[CIMR]\d\d", rb"\1V01", b"mxf", _XDCAM, within=_SAM),
    rule("Sony SAM", Role.PROXY, b"mxf", rb"(.+)S\d\d", rb"\1V01", b"mxf", _XDCAM, within=_SAM),
    rule("Sony SAM", Role.AUDIO, b"mxf", rb"(.+)A\d\d", rb"\1V01", b"mxf", _XDCAM, within=_SAM),
    rule(
        "AVCHD",
        Role.METADATA,
        b"cpi clpi",
        rb"\d{5}",
        rb"STREAM/\g<0>",
        b"mts m2ts",
        _AVCHD,
        within=b"CLIPINF",
    ),
    *(
        rule(
            "Panasonic P2",
            role,
            extensions,
            pattern,
            rb"VIDEO/\1 AVCLIP/\1",
            b"mxf",
            _AVCLIP,
            within=folder,
        )
        for role, extensions, pattern, folder in (
            (Role.METADATA, b"xml xmp", rb"(\w{6})", b"CLIP"),
            (Role.AUDIO, b"mxf", rb"(\w{6})\d\d", b"AUDIO"),
            (Role.THUMBNAIL, b"bmp", rb"(\w{6})", b"ICON"),
            (Role.VOICE_MEMO, b"wav", rb"(\w{6})\d\d", b"VOICE"),
            (Role.PROXY, b"mp4 mov", rb"(\w{6})", b"PROXY"),
            (Role.METADATA, b"bin", rb"(\w{6})", b"PROXY"),
        )
    ),
)

TAKES = (take(b"mp4", rb"(\w{3}_\d{4})_\d\d", rb"\1"),)

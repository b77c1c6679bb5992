"""Cinema cameras: Canon's, RED, ARRI, Blackmagic, CinemaDNG."""

from core.media.makers.rule import NO_SOURCE, Groups, Role, rule, take, words

_CANON_START = "cam.start.canon C023, UG-08_Set-up_0030"
_C80 = f"easymanua.ls/canon/eos-c80/manual, page 41; {_CANON_START}"
_XF = "premierepro.org/2016/10: Canon XF folder structure and file naming"
_R3D = "docs.red.com: R3D File Structure; DSMC2 guide, page 132"
_URSA = "easymanua.ls: Blackmagic URSA Cine, page 110"

_CANON: Groups = (words(b"crm"), words(b"mxf"), words(b"mp4"))
_XF_CLIP = rb"CLIPS\d{3}/[A-Z]{2}\d{4}"

RULES = (
    rule("Canon", Role.PROXY, b"mp4 mxf", rb"(.+_CANON(?:_\d{3})?)_Proxy", rb"\1 \1_001", _CANON, _C80),
    rule("Canon", Role.CHAPTER, b"crm mp4 mxf", rb"(.+_CANON)_(?!001)\d{3}", rb"\1_001", _CANON, _C80),
    rule(
        "Canon",
        Role.AUDIO,
        b"wav",
        rb"[A-Z][A-Z_](\d{4})[CD]\d{3}.+_CANON",
        rb"XFVC/REEL_\1/\g<0> XFVC/REEL_\1/\g<0>_001",
        _CANON,
        _C80,
        within=rb"PRIVATE/AUDIO",
    ),
    rule(
        "Canon",
        Role.PROXY,
        b"mp4 mxf",
        rb"(.+?)(?:_Proxy)?",
        rb"XF-AVC/%1/\1 VIDEO/%1/\1",
        _CANON,
        f"{_C80}; the folders as in github.com/ingesto, camera-detect.js",
        within=rb"PROXY/(CLIPS\d{3})",
    ),
    rule(
        "Canon XF", Role.CHAPTER, b"mxf", rb"([A-Z]{2}\d{4})(?!01)\d\d", rb"\g<1>01", b"mxf", _XF, within=_XF_CLIP
    ),
    rule(
        "Canon XF", Role.METADATA, b"cif xmf cpf xmp", rb"[A-Z]{2}\d{4}", rb"\g<0>01", b"mxf", _XF, within=_XF_CLIP
    ),
    rule("RED", Role.CHAPTER, b"r3d", rb"(.+_C\d{3}_\w+)_(?!001)\d{3}", rb"\1_001", b"r3d", _R3D),
    rule("RED", Role.METADATA, b"rmd rtn", rb".+_C\d{3}_\w+", rb"\g<0>_001", b"r3d", _R3D),
    rule("RED", Role.PROXY, b"mov", rb".+_C\d{3}_\w+", rb"\g<0>_001", b"r3d", _R3D),
    rule("RED", Role.AUDIO, b"mxf", rb"(.+_C\d{3}_\w+)_A\d\d", rb"\1_001", b"r3d", _R3D),
    rule("RED", Role.AUDIO, b"wav", rb".+_C\d{3}_\w+", rb"\g<0>", b"r3d", _R3D),
    rule("Blackmagic", Role.PROXY, b"mp4 mov", rb".+", rb"./\g<0>", b"braw", _URSA, within=b"PROXY"),
    rule(
        "CinemaDNG",
        Role.AUDIO,
        b"wav",
        rb".+",
        rb"\g<0>_000000 \g<0>_000001 \g<0>_00000 \g<0>_00001",
        b"dng",
        NO_SOURCE,
    ),
)

TAKES = (
    take(b"crm mp4 mxf", rb"(.+_CANON)_\d{3}", rb"\1"),
    take(b"r3d", rb"(.+_C\d{3}_\w+)_\d{3}", rb"\1"),
    take(b"braw braw2", rb"(.+)", rb"\1"),
)

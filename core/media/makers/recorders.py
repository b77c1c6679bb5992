"""Sound recorders: Zoom, Sound Devices, Tascam."""

from core.media.makers.rule import Role, rule, take

_ZOOM = "manuals of the Zoom F3 (page 61), H8 (page 7) and F8 (page 35)"
_H8 = "manual of the Zoom H8, page 7: F200101_001/TrLR.wav, Tr1.wav, Tr12.wav, TrA.wav, Mic12_BU.wav"
H8_PROJECT = rb"[FMP](?:\d\d)?\d{6}_\d{3}"
"""A folder whose tracks are called alike in every project."""
_TASCAM = "manual of the Tascam Portacapture X6, page 38"

RULES = (
    rule("Zoom", Role.AUDIO, b"wav", rb"(.+)_Tr(?!1$)\d{1,2}(?:_\w{1,2})?", rb"\1_LR \1 \1_Tr1", b"wav", _ZOOM),
    rule("Zoom", Role.AUDIO, b"wav", rb"(.+)_Tr1", rb"\1_LR \1", b"wav", _ZOOM),
    rule("Zoom", Role.SIDECAR, b"hprj h8prj zdt", rb"ZOOM\d{4}", rb"\g<0>_LR \g<0>_Tr1", b"wav", _ZOOM),
    rule(
        "Zoom H8",
        Role.AUDIO,
        b"wav",
        rb"(?:Tr(?!1$)(?:\d\d?|[A-F])|Mic\d\d)(?:_BU)?(?:_\d\d)?",
        rb"TrLR Tr1 Mic12",
        b"wav",
        _H8,
        within=H8_PROJECT,
    ),
    rule("Zoom H8", Role.AUDIO, b"wav", rb"Tr1", rb"TrLR", b"wav", _H8, within=H8_PROJECT),
    rule("Zoom H8", Role.SIDECAR, b"h8prj", rb".+", rb"TrLR Tr1 Mic12", b"wav", _H8, within=H8_PROJECT),
    rule(
        "Sound Devices", Role.AUDIO, b"wav", rb"(S\d+T\d+)_(?!1$)\d{1,2}", rb"\1_1", b"wav", "manual of the 788T"
    ),
    rule(
        "Tascam",
        Role.AUDIO,
        b"wav",
        rb"(.+_\d{4})_(?!1$)\d(?:-\d)?",
        rb"\1_MIX \1 \1_1 \1_1-2",
        b"wav",
        _TASCAM,
        within=b"SOUND",
    ),
    rule("Tascam", Role.AUDIO, b"wav", rb"(.+_\d{4})_1", rb"\1_MIX \1", b"wav", _TASCAM, within=b"SOUND"),
)

TAKES = (
    take(b"wav", rb"(.+)_(?:LR|Tr\d{1,2}(?:_\w{1,2})?)", rb"\1"),
    take(b"wav", rb"(Tr)(?:LR|\d\d?|[A-F])(?:_\d\d)?", rb"\1"),
    take(b"wav", rb"(S\d+T\d+)_\d{1,2}", rb"\1"),
)

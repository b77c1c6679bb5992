"""The names that ffprobe prints for the numbers of FFmpeg's libraries, in the order of these numbers.

From libavutil/pixdesc.c (color_range_names and the like); FIELD_ORDERS from fftools/ffprobe.c, show_stream.
"""

_RANGES = "unknown tv pc"
_SPACES = """
    gbr bt709 unknown reserved fcc bt470bg smpte170m smpte240m ycgco bt2020nc bt2020c smpte2085 chroma-derived-nc
    chroma-derived-c ictcp
"""
_TRANSFERS = """
    reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m linear log100 log316 iec61966-2-4 bt1361e
    iec61966-2-1 bt2020-10 bt2020-12 smpte2084 smpte428 arib-std-b67
"""
_PRIMARIES = """
    reserved bt709 unknown reserved bt470m bt470bg smpte170m smpte240m film bt2020 smpte428 smpte431 smpte432
"""
_FIELD_ORDERS = "unknown progressive tt bb tb bt"

RANGES, SPACES, TRANSFERS, PRIMARIES, FIELD_ORDERS = (
    tuple(text.split()) for text in (_RANGES, _SPACES, _TRANSFERS, _PRIMARIES, _FIELD_ORDERS)
)

"""The demuxers that ffmpeg and ffprobe may use: only those in these lists, everywhere.

None for playlists, numbered pictures or networks (hls, dash, concat, image2, sdp), which name further files to
read; nor for vector graphics (svg_pipe), which name pictures and fonts.
"""

FILMS = (
    *("mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "m4v"),
    *(
        "h261",
        "h263",
        "h264",
        "hevc",
        "vvc",
        "av1",
        "obu",
        "ivf",
        "vc1",
        "dv",
        "mxf",
        "asf",
        "asf_o",
        "flv",
        "ogg",
    ),
    *("rm", "wtv", "nut", "nsv", "nuv", "mjpeg", "mjpeg_2000", "smjpeg", "yuv4mpegpipe", "r3d", "cine", "gxf"),
    *("lxf", "gif", "apng", "mlv", "ty", "cavsvideo", "dhav", "dirac", "dnxhd", "bink", "mtv"),
)
"""Demuxers of films."""

SOUNDS = (
    *("aa", "aac", "aax", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "ast", "au", "caf", "daud", "dsf", "dts"),
    *("dtshd", "eac3", "flac", "g722", "gsm", "iff", "loas", "mlp", "mp3", "mpc", "mpc8", "oma", "qcp", "sox"),
    *("tak", "truehd", "tta", "voc", "w64", "wav", "wv"),
)
"""Demuxers of audio recordings."""

PICTURES = (
    *("mov", "bmp_pipe", "cri_pipe", "dds_pipe", "dpx_pipe", "exr_pipe", "gem_pipe", "gif_pipe", "hdr_pipe"),
    *("j2k_pipe", "jpeg_pipe", "jpegls_pipe", "jpegxl_pipe", "jpegxl_anim", "jpegxs_pipe", "pam_pipe", "pbm_pipe"),
    *("pcx_pipe", "pfm_pipe", "pgm_pipe", "pgmyuv_pipe", "pgx_pipe", "phm_pipe", "photocd_pipe", "pictor_pipe"),
    *("png_pipe", "ppm_pipe", "psd_pipe", "qdraw_pipe", "qoi_pipe", "sgi_pipe", "sunrast_pipe", "tiff_pipe"),
    *("vbn_pipe", "webp_pipe", "webp_anim", "xbm_pipe", "xpm_pipe", "xwd_pipe"),
)
"""Demuxers of single pictures; mov also reads HEIF and AVIF."""


_BY_NAME = (((b".mjpeg", b".mjpg"), "mjpeg"), ((b".pam",), "pam_pipe"))


def options(demuxers: tuple[str, ...], path: bytes = b"") -> tuple[dict[str, str], str | None]:
    """(options of libavformat, the demuxer to use, or None): so that only this one file is read, and only by one
    of these demuxers.

    A stream of JPEG pictures begins like a single picture, so that only its name shows that it is a film. A PAM
    picture libavformat recognises by its name alone (5.1, img2dec.c, pnm_probe).
    """
    named = (one for endings, one in _BY_NAME if path.lower().endswith(endings) and one in demuxers)
    return {"protocol_whitelist": "file", "format_whitelist": ",".join(demuxers)}, next(named, None)


def guards(demuxers: tuple[str, ...], path: bytes = b"") -> tuple[str, ...]:
    """The same as arguments for ffmpeg and ffprobe, before an input."""
    named, forced = options(demuxers, path)
    told = [word for name, value in named.items() for word in (f"-{name}", value)]
    return (*told, *(("-f", forced) if forced else ()))

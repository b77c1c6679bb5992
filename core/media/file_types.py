"""The type of a file: by its name, else by its first bytes."""

import re
from enum import StrEnum


class Kind(StrEnum):
    """The types of files; each value is the name of a folder under a bag's data/."""

    IMAGES = "images"
    VIDEOS = "videos"
    AUDIO = "audio"
    DOCUMENTS = "documents"
    SIDECARS = "sidecars"
    OTHER = "other"


def _words(text: str) -> frozenset[bytes]:
    return frozenset(text.encode("ascii").split())


RAW = _words(
    """
    3fr ari arq arw arx bay bmq cr2 cr3 crw cs1 dc2 dcr dcs dng drf eip erf fff gpr iiq k25 kc2 kdc lri mdc
    mef mfw mos mrw nef nrw orf ori pef ptx pxn qtk raf raw rw2 rwl rwz sr2 srf srw sti x3f
    """
)
"""Still images with sensor data. The list is libkdcraw's rawfiles.h with later makers' added."""

CAMERA_JPEG = _words("jpg jpeg jpe heic heif hif")
"""What cameras write beside a RAW of the same shot: JPEG, or HEIF (.HIF on Canon, Sony and Fujifilm)."""

OTHER_IMAGES = _words(
    """
    afphoto ai apng avif avifs bmp bpg cin cur czi dcm dds dib dpx eps exr fits flif fts gif hdp hdr heics
    icns ico insp j2c j2k jfif jif jp2 jpf jpg2 jph jpm jps jpx jxl jxr kra lfp lfr mpo ora pam pbm pcd pct pcx
    pfm pgm pict png pnm pns ppm procreate psb psd psp qoi ras sgi sun svg svgz tga tif tiff wdp webp xbm xcf
    xisf xpm xwd
    """
)
IMAGES = RAW | CAMERA_JPEG | OTHER_IMAGES

VIDEOS = _words(
    """
    264 265 360 36p 3g2 3gp 3gpp amv asf avi braw braw2 cine crm divx dv f4v flv glv gxf h264 h265 hevc insv ivf
    krw kvar m1v m2p m2t m2ts m2v m4v mj2 mjpeg mjpg mkv mov mp mp2v mp4 mpe mpeg mpg mpv mts mxf nev nut ogm ogv
    osv qt r3d rm rmvb tod vob vro webm wmv wtv y4m zraw
    """
)

AUDIO = _words(
    """
    3ga aac ac3 aif aifc aiff alac amr ape au awb bwf caf dff dsf dts eac3 flac gsm m4a m4b m4p m4r mid midi
    mka mp2 mp3 mpa mpc oga ogg opus qcp ra rf64 snd spx tta voc w64 wav wave weba wma wv
    """
)

DOCUMENTS = _words(
    """
    azw azw3 csv djvu doc docm docx dot dotx eml epub gpx htm html ics indd key kml kmz log markdown md mht
    mhtml mobi msg numbers odg odp ods odt pages pdf pps ppsx ppt pptm pptx ps rtf tex text tsv txt vcf
    webarchive xls xlsb xlsm xlsx xps
    """
)

SIDECARS = _words(
    """
    aae acr ale arp ass bdm bdmv bdt bim bnp bup c2pa cif clc cli clpi cmi cos cpf cpi cpl ctg cue dop dr4
    exv gcsv gyro gyroflow h8prj hprj idx ifo imu inp int json klv ldr lrc lrf lrv mhl mie mif modd moff moi
    mpl mpls mrk nav ndf nka nksc nxd on1 pgi pp3 ppn rmd rtb rtk rtl rtn rtn2 rts sidecar smi sml srt ssa sub
    tdt thm tid vrd vtt xmf xml xmp zdt
    """
)
"""Files that are only useful beside others: edits, proxies, thumbnails, subtitles, indexes of a card."""

_KIND_OF = {
    extension: kind
    for kind, extensions in (
        (Kind.IMAGES, IMAGES),
        (Kind.VIDEOS, VIDEOS),
        (Kind.AUDIO, AUDIO),
        (Kind.DOCUMENTS, DOCUMENTS),
        (Kind.SIDECARS, SIDECARS),
    )
    for extension in extensions
}

_LONGEST = 10
"""Bytes of an extension."""

HEAD = 400
"""Bytes at the start of a file that are enough for `kind_of_content`."""

MEDIA = RAW | CAMERA_JPEG | OTHER_IMAGES | VIDEOS | AUDIO | DOCUMENTS
"""Files that stand for themselves: anything but sidecars and other files."""


def split(name: bytes) -> tuple[bytes, bytes]:
    """Split a name into its stem and its last extension: (b"IMG_1", b"cr3").

    The extension is lower-case, without its dot, and b"" when the name has none: leading dots belong to the stem,
    and an extension has one to ten ASCII letters and digits.
    """
    stem, dot, extension = name.rpartition(b".")
    if not dot or not stem.strip(b".") or len(extension) > _LONGEST or not extension.isalnum():
        return name, b""
    return stem, extension.lower()


def extension(name: bytes) -> str:
    """The extension for the name in the archive, such as ".cr3"; "" when there is none that is portable."""
    found = split(name)[1]
    return f".{found.decode('ascii')}" if found else ""


def kind_of_name(name: bytes) -> Kind | None:
    """The type of a file by its extension; None when that is ambiguous, as ".ts" (film or program), or unknown."""
    return _KIND_OF.get(split(name)[1])


_AUDIO_MXF = re.compile(
    rb"(?:.*/)?(?:AUDIO/[0-9A-Z]{8}|PROAV/CLPR/[^/]+/[^/]+A[0-9]{2})\.MXF", re.IGNORECASE | re.DOTALL
)


def kind_of_path(path: bytes) -> Kind | None:
    """The type of a file by its name and folder: the MXF files of a P2 card's AUDIO folder are audio, and those of
    a clip of Sony's SAM whose names end in A01, A02.

    None as for `kind_of_name`.
    """
    return Kind.AUDIO if _AUDIO_MXF.fullmatch(path) else kind_of_name(path.rpartition(b"/")[2])


# The formats' own signatures; PRONOM (nationalarchives.gov.uk/pronom) lists most of them.
_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", Kind.IMAGES),
    (b"\x89PNG\r\n\x1a\n", Kind.IMAGES),
    (b"GIF87a", Kind.IMAGES),
    (b"GIF89a", Kind.IMAGES),
    (b"II*\0", Kind.IMAGES),  # TIFF, and most RAW
    (b"MM\0*", Kind.IMAGES),
    (b"II+\0", Kind.IMAGES),  # BigTIFF
    (b"MM\0+", Kind.IMAGES),
    (b"IIU\0", Kind.IMAGES),  # Panasonic RW2
    (b"IIRO", Kind.IMAGES),  # Olympus ORF
    (b"IIRS", Kind.IMAGES),
    (b"MMOR", Kind.IMAGES),
    (b"II\x1a\0\0\0HEAPCCDR", Kind.IMAGES),  # Canon CRW
    (b"II\xbc\x01", Kind.IMAGES),  # JPEG XR
    (b"FUJIFILMCCD-RAW", Kind.IMAGES),
    (b"FOVb", Kind.IMAGES),  # Sigma X3F
    (b"\0MRM", Kind.IMAGES),  # Minolta MRW
    (b"8BPS\0", Kind.IMAGES),
    (b"\xff\x0a", Kind.IMAGES),  # JPEG XL, bare
    (b"\0\0\0\x0cJXL \r\n\x87\n", Kind.IMAGES),
    (b"\0\0\0\x0cjP  \r\n\x87\n", Kind.IMAGES),
    (b"\xff\x4f\xff\x51", Kind.IMAGES),  # JPEG 2000 code stream
    (b"v/1\x01", Kind.IMAGES),  # OpenEXR
    (b"SDPX", Kind.IMAGES),
    (b"XPDS", Kind.IMAGES),
    (b"#?RADIANCE", Kind.IMAGES),
    (b"SIMPLE  =", Kind.IMAGES),  # FITS
    (b"gimp xcf", Kind.IMAGES),
    (b"icns\0", Kind.IMAGES),
    (b"qoif", Kind.IMAGES),
    (b"%!PS-Adobe-3.0 EPSF", Kind.IMAGES),
    (b"\x1aE\xdf\xa3", Kind.VIDEOS),  # EBML: Matroska, WebM
    (b"\x06\x0e+4\x02\x05\x01\x01\x0d\x01\x02", Kind.VIDEOS),  # MXF partition pack, SMPTE ST 377-1
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel", Kind.VIDEOS),  # ASF
    (b"\0\0\x01\xba", Kind.VIDEOS),  # MPEG program stream
    (b"\0\0\x01\xb3", Kind.VIDEOS),  # MPEG video sequence
    (b"FLV\x01", Kind.VIDEOS),
    (b".RMF", Kind.VIDEOS),
    (b"\x1f\x07\0", Kind.VIDEOS),  # raw DV
    (b"ID3\2", Kind.AUDIO),
    (b"ID3\3", Kind.AUDIO),
    (b"ID3\4", Kind.AUDIO),
    (b"fLaC", Kind.AUDIO),
    (b"#!AMR", Kind.AUDIO),
    (b"caff\0\1", Kind.AUDIO),
    (b"MThd\0", Kind.AUDIO),
    (b"wvPK", Kind.AUDIO),
    (b"FRM8", Kind.AUDIO),
    (b".snd\0", Kind.AUDIO),
    (b"\x0bw", Kind.AUDIO),  # AC-3
    (b"%PDF-", Kind.DOCUMENTS),
    (b"%!PS", Kind.DOCUMENTS),
    (b"{\\rtf", Kind.DOCUMENTS),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.DOCUMENTS),  # old Office
)

_CHUNKED = {  # IFF and RIFF: the form type stands at byte 8
    b"WEBP": Kind.IMAGES,
    b"ILBM": Kind.IMAGES,
    b"AVI ": Kind.VIDEOS,
    b"CDXA": Kind.VIDEOS,
    b"WAVE": Kind.AUDIO,
    b"RMID": Kind.AUDIO,
    b"AIFF": Kind.AUDIO,
    b"AIFC": Kind.AUDIO,
}

# Brands are registered at mp4ra.org. "hevc" as a brand is a HEIF image sequence; films have hvc1 or isom.
_IMAGE_BRANDS = _words("heic heix heim heis heif hevc hevx hevm hevs mif1 mif2 msf1 miaf avif avis avci avcs crx")
_AUDIO_BRANDS = _words("M4A M4B M4P F4A F4B aax")

_SUBRIP = re.compile(rb"\d+\r?\n\d\d:\d\d:\d\d[,.]\d{3} -->")


def _base_media(head: bytes) -> Kind | None:
    """Recognize ISO base media and QuickTime, whose first box may be older than ftyp (ISO/IEC 14496-12)."""
    size, box = int.from_bytes(head[:4], "big"), head[4:8]
    if box == b"ftyp":
        major = head[8:12].strip(b" \0")
        if major in _IMAGE_BRANDS:
            return Kind.IMAGES
        return Kind.AUDIO if major in _AUDIO_BRANDS else Kind.VIDEOS
    # A small size distinguishes a box from text that happens to contain these words.
    plausible = size < 1 << 24 or box == b"mdat"
    return Kind.VIDEOS if plausible and box in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot") else None


def _is_transport_stream(head: bytes) -> bool:
    """Recognize MPEG-TS packets of 188 bytes, or of 192 with a time stamp first (AVCHD, Blu-ray)."""
    for start, step in ((0, 188), (4, 192)):
        marks = head[start::step]
        if len(marks) >= 2 and marks.strip(b"\x47") == b"":
            return True
    return False


def _is_audio_frame(head: bytes) -> bool:
    """Recognize MPEG audio layer II or III, or ADTS AAC, by a whole valid frame header (ISO/IEC 11172-3,
    13818-7)."""
    if len(head) < 4 or head[0] != 0xFF:
        return False
    if head[1] & 0xF6 == 0xF0:
        return (head[2] >> 2) & 0xF < 13
    bitrate, rate = head[2] >> 4, (head[2] >> 2) & 3
    return head[1] & 0xE0 == 0xE0 and (head[1] >> 1) & 3 in (1, 2) and 0 < bitrate < 15 and rate < 3


def _is_bitmap(head: bytes) -> bool:
    """Recognize BMP and ICO: their signatures are short, so more of the header must be valid."""
    if head[:2] == b"BM":
        return head[6:10] == bytes(4) and int.from_bytes(head[14:18], "little") in (
            12,
            40,
            52,
            56,
            64,
            108,
            124,
        )
    return head[:4] == b"\0\0\x01\0" and 1 <= int.from_bytes(head[4:6], "little") <= 64 and head[9:10] == b"\0"


def _text(head: bytes) -> Kind | None:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):  # UTF-16, in which some programs write XMP
        head = head[2:].replace(b"\0", b"")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<?xml", b"<?xpacket", b"<x:xmpmeta", b"<svg", b"<!doctype", b"<html", b"<plist")):
        if b"<svg" in text:
            return Kind.IMAGES
        return Kind.DOCUMENTS if b"<html" in text or b"<!doctype html" in text else Kind.SIDECARS
    return Kind.SIDECARS if text.startswith(b"webvtt") or _SUBRIP.match(text) else None


def kind_of_content(head: bytes) -> Kind:
    """The type of a file by its first bytes, at best 400 or more; `Kind.OTHER` when none is recognized.

    64 bytes are enough for most formats; MPEG-TS needs 189, with time stamps 197.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM"):
        return _CHUNKED.get(head[8:12], Kind.OTHER)
    if head[8:12] == b".FIT":  # activities of Garmin and GoPro; .fit may also be an astronomer's FITS
        return Kind.SIDECARS
    if head[:4] == b"OggS":
        return Kind.VIDEOS if b"theora" in head or b"fishead" in head or b"\x01video" in head else Kind.AUDIO
    if head[:4] == b"PK\x03\x04":  # Office, OpenDocument and EPUB name themselves in their first member
        office = head[30:].startswith((b"[Content_Types].xml", b"_rels/", b"docProps/", b"mimetypeapplication/"))
        return Kind.DOCUMENTS if office else Kind.OTHER
    if head[4:8] in (b"RED1", b"RED2") or _is_transport_stream(head):
        return Kind.VIDEOS
    if _is_audio_frame(head):
        return Kind.AUDIO
    if _is_bitmap(head):
        return Kind.IMAGES
    return _base_media(head) or _text(head) or Kind.OTHER

"""The layouts of makers' cards: every file of a take, and what it belongs to.

One line per file: its path and, if it belongs to another, `< role owner`: the owner's name, or its path when it is
in another folder, with a slash in front when that is the top. A run of @ is the number of the take. The sources of
the card rules document these names.
"""

# ruff: noqa: E501 - names of 46 characters, twice in a line

import re
from typing import NamedTuple


class Line(NamedTuple):
    """A file; `role` and `owner` are empty for one that stands alone."""

    path: str
    role: str
    owner: str


LAYOUTS: dict[str, str] = {
    "Nikon": """
        DCIM/100NIKON/DSC_@@@@.NEV
        DCIM/100NIKON/DSC_@@@@.MP4 < proxy DSC_@@@@.NEV
        DCIM/101NCZ_8/_DSC@@@@.MOV
        DCIM/101NCZ_8/_DSC@@@@.MP4 < proxy _DSC@@@@.MOV
        DCIM/102NZ_ZR/DSC_@@@@.R3D
        DCIM/102NZ_ZR/DSC_@@@@.RMD < sidecar DSC_@@@@.R3D
        DCIM/102NZ_ZR/DSC_@@@@.MP4 < proxy DSC_@@@@.R3D
        DCIM/103NIKON/DSC_@@@@.NEF
        DCIM/103NIKON/DSC_@@@@.JPG < raw_pair DSC_@@@@.NEF
        DCIM/103NIKON/NKSC_PARAM/DSC_@@@@.NEF.nksc < sidecar DCIM/103NIKON/DSC_@@@@.NEF
    """,
    "Canon": """
        XFVC/REEL_0001/A_0001C@@@X251201_101010AB_CANON.CRM
        XFVC/REEL_0001/A_0001C@@@X251201_101010AB_CANON_Proxy.MP4 < proxy A_0001C@@@X251201_101010AB_CANON.CRM
        XFVC/REEL_0002/A_0002C@@@X251201_1010AB_CANON_001.MXF
        XFVC/REEL_0002/A_0002C@@@X251201_1010AB_CANON_002.MXF < chapter A_0002C@@@X251201_1010AB_CANON_001.MXF
        XFVC/REEL_0002/A_0002C@@@X251201_1010AB_CANON_001_Proxy.MP4 < proxy A_0002C@@@X251201_1010AB_CANON_001.MXF
        XFVC/REEL_0002/A_0002C@@@X251201_1010AB_CANON_002_Proxy.MP4 < proxy A_0002C@@@X251201_1010AB_CANON_002.MXF
        XFVC/REEL_0003/AB0003D@@@X251201_1010AB_CANON.MP4
        PRIVATE/AUDIO/AB0003D@@@X251201_1010AB_CANON.WAV < audio XFVC/REEL_0003/AB0003D@@@X251201_1010AB_CANON.MP4
        DCIM/100EOSR5/MVI_@@@@.CRM
        DCIM/100EOSR5/MVI_@@@@.MP4 < proxy MVI_@@@@.CRM
        DCIM/101EOSC5/A001C@@@_251201AB.CRM
        DCIM/101EOSC5/A001C@@@_251201AB.MP4 < proxy A001C@@@_251201AB.CRM
        DCIM/EOSMISC/M@@@@.CTG
        XF-AVC/CLIPS001/A001C@@@_25120145_CANON.MXF
        PROXY/CLIPS001/A001C@@@_25120145_CANON.MP4 < proxy XF-AVC/CLIPS001/A001C@@@_25120145_CANON.MXF
        DCIM/CLIPS001/AB0004C@@@X251201_1010AB_CANON.MP4
    """,
    "Canon XF": """
        CONTENTS/CLIPS001/AA@@@@/AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@01.CIF < sidecar AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@02.MXF < chapter AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@02.CIF < sidecar AA@@@@02.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@.XMF < metadata AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@.CIF < metadata AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@.CPF < metadata AA@@@@01.MXF
        CONTENTS/CLIPS001/AA@@@@/AA@@@@.XMP < metadata AA@@@@01.MXF
        CONTENTS/CLIPS001/INDEX.MIF
    """,
    "Sony": """
        PRIVATE/M4ROOT/CLIP/C@@@@.MP4
        PRIVATE/M4ROOT/CLIP/C@@@@M01.XML < metadata C@@@@.MP4
        PRIVATE/M4ROOT/SUB/C@@@@S03.MP4 < proxy PRIVATE/M4ROOT/CLIP/C@@@@.MP4
        PRIVATE/M4ROOT/THMBNL/C@@@@T01.JPG < thumbnail PRIVATE/M4ROOT/CLIP/C@@@@.MP4
        PRIVATE/M4ROOT/GENERAL/SONY/PXTMP/C@@@@001S03.MP4 < proxy PRIVATE/M4ROOT/CLIP/C@@@@.MP4
        PRIVATE/M4ROOT/GENERAL/SONY/PXTMP/C@@@@002S03.MP4 < proxy PRIVATE/M4ROOT/CLIP/C@@@@.MP4
        PRIVATE/M4ROOT/MEDIAPRO.XML
        PRIVATE/XDROOT/Clip/C@@@@.MXF
        PRIVATE/XDROOT/Clip/C@@@@M01.XML < metadata C@@@@.MXF
        PRIVATE/XDROOT/SUB/C@@@@S01.MP4 < proxy PRIVATE/XDROOT/Clip/C@@@@.MXF
        PRIVATE/XDROOT/Thmbnl/C@@@@T01.JPG < thumbnail PRIVATE/XDROOT/Clip/C@@@@.MXF
    """,
    "Sony XDCAM disc": """
        INDEX.XML
        ALIAS.XML
        DISCMETA.XML
        SYSPRO.XML
        MEDIAPRO.XML
        Clip/C@@@@.MXF
        Clip/C@@@@M01.XML < metadata C@@@@.MXF
        Clip/C@@@@M02.KLV < metadata C@@@@.MXF
        Clip/C@@@@M01.XMP < metadata C@@@@.MXF
        Clip/C@@@@R01.BIM < metadata C@@@@.MXF
        Clip/C@@@@I01.PPN < metadata C@@@@.MXF
        Clip/C@@@@C01.SMI < metadata C@@@@.MXF
        Sub/C@@@@S01.MXF < proxy Clip/C@@@@.MXF
        Edit/E@@@@E01.SMI
    """,
    "Sony SAM": """
        PROAV/CLPR/C@@@@/C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@A01.MXF < audio C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@A02.MXF < audio C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@S01.MXF < proxy C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@M01.XML < metadata C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@C01.SMI < metadata C@@@@V01.MXF
        PROAV/CLPR/C@@@@/C@@@@R01.BIM < metadata C@@@@V01.MXF
    """,
    "Sony XDCAM EX": """
        BPAV/MEDIAPRO.XML
        BPAV/MEDIAPRO.BUP
        BPAV/CLPR/709_@@@@_01/709_@@@@_01.MP4
        BPAV/CLPR/709_@@@@_01/709_@@@@_01M01.XML < metadata 709_@@@@_01.MP4
        BPAV/CLPR/709_@@@@_01/709_@@@@_01R01.BIM < metadata 709_@@@@_01.MP4
        BPAV/CLPR/709_@@@@_01/709_@@@@_01I01.PPN < metadata 709_@@@@_01.MP4
        BPAV/CLPR/709_@@@@_01/709_@@@@_01C01.SMI < metadata 709_@@@@_01.MP4
        BPAV/TAKR/709_@@@@/709_@@@@.SMI
        BPAV/TAKR/709_@@@@/709_@@@@M01.XML
        BPAV/CLPR/709_@@@@_02/709_@@@@_02.MP4 < chapter BPAV/CLPR/709_@@@@_01/709_@@@@_01.MP4
        BPAV/CLPR/709_@@@@_02/709_@@@@_02M01.XML < metadata 709_@@@@_02.MP4
    """,
    "DJI": """
        DCIM/DJI_001/DJI_20250801123011_@@@@_D.OSV
        DCIM/DJI_001/DJI_20250801123011_@@@@_D.LRF < proxy DJI_20250801123011_@@@@_D.OSV
        DCIM/DJI_001/DJI_20250801123011_@@@@_D.SRT < sidecar DJI_20250801123011_@@@@_D.OSV
        DCIM/DJI_002/DJI_@@@@.MP4
        DCIM/DJI_002/DJI_@@@@.WAV < audio DJI_@@@@.MP4
        DCIM/DJI_002/DJI_@@@@.AAC < audio DJI_@@@@.MP4
        DCIM/DJI_002/DJI_@@@@.SRT < sidecar DJI_@@@@.MP4
        MISC/THM/DJI_002/DJI_@@@@.SCR < thumbnail DCIM/DJI_002/DJI_@@@@.MP4
        MISC/THM/DJI_002/DJI_@@@@.THM < thumbnail DCIM/DJI_002/DJI_@@@@.MP4
        DCIM/100MEDIA/DJI_@@@@.JPG
        MISC/THM/100/DJI_@@@@.THM < thumbnail DCIM/100MEDIA/DJI_@@@@.JPG
        MISC/dji@@@.db
    """,
    "GoPro": """
        DCIM/100GOPRO/GX01@@@@.MP4
        DCIM/100GOPRO/GX02@@@@.MP4 < chapter GX01@@@@.MP4
        DCIM/100GOPRO/GX01@@@@.WAV < audio GX01@@@@.MP4
        DCIM/100GOPRO/GX02@@@@.WAV < audio GX02@@@@.MP4
        DCIM/100GOPRO/GL01@@@@.LRV < proxy GX01@@@@.MP4
        DCIM/100GOPRO/GX01@@@@.THM < thumbnail GX01@@@@.MP4
        DCIM/101GOPRO/GS01@@@@.36P
        DCIM/101GOPRO/GS02@@@@.36P < chapter GS01@@@@.36P
        DCIM/101GOPRO/GL01@@@@.LRV < proxy GS01@@@@.36P
        DCIM/102GFRNT/GPFR@@@@.MP4
        DCIM/102GFRNT/GPBK@@@@.MP4 < chapter GPFR@@@@.MP4
        DCIM/102GFRNT/GF01@@@@.MP4 < chapter GPFR@@@@.MP4
        Get_started_with_GoPro.url
        DCIM/103GOPRO/GG01@@@@.MP4
        DCIM/103GOPRO/G001@@@@.JPG
        MISC/version.txt
        DCIM/104GOPRO/GOPR@@@@.MP4
        DCIM/104GOPRO/GP01@@@@.MP4 < chapter GOPR@@@@.MP4
        DCIM/104GOPRO/GX01@@@@.MP4
        DCIM/104GOPRO/GL01@@@@.THM < thumbnail GX01@@@@.MP4
    """,
    "Insta360": """
        DCIM/Camera01/VID_20250801_123011_00_@@@.insv
        DCIM/Camera01/VID_20250801_123011_10_@@@.insv < chapter VID_20250801_123011_00_@@@.insv
        DCIM/Camera01/LRV_20250801_123011_11_@@@.insv < proxy VID_20250801_123011_00_@@@.insv
        DCIM/Camera01/LRV_20250801_123011_01_@@@.lrv < proxy VID_20250801_123011_00_@@@.insv
        DCIM/Camera01/PRO_VID_20250801_123022_00_@@@.mp4
        DCIM/Camera01/PRO_LRV_20250801_123022_01_@@@.lrv < proxy PRO_VID_20250801_123022_00_@@@.mp4
        DCIM/Camera01/VID_20250801_123033_@@@.mp4
        DCIM/Camera01/LRV_20250801_123033_@@@.lrv < proxy VID_20250801_123033_@@@.mp4
        DCIM/Camera01/IMG_20250801_123044_00_@@@.dng
        DCIM/Camera01/IMG_20250801_123044_00_@@@.insp < raw_pair IMG_20250801_123044_00_@@@.dng
        DCIM/Camera01/IMG_20250801_123055_00_@@@.insp
        DCIM/Camera01/IMG_20250801_123055_00_@@@.insp.gyro < sidecar IMG_20250801_123055_00_@@@.insp
        DCIM/fileinfo_list.list
    """,
    "Google Pixel": """
        DCIM/Camera/PXL_202508_123011@@@.RAW-02.ORIGINAL.dng
        DCIM/Camera/PXL_202508_123011@@@.RAW-01.COVER.jpg < raw_pair PXL_202508_123011@@@.RAW-02.ORIGINAL.dng
        DCIM/Camera/PXL_202508_123022@@@.RAW-02.ORIGINAL.dng
        DCIM/Camera/PXL_202508_123022@@@.RAW-01.MP.COVER.jpg < raw_pair PXL_202508_123022@@@.RAW-02.ORIGINAL.dng
        DCIM/Camera/PXL_202508_123033@@@.PORTRAIT-02.ORIGINAL.jpg
        DCIM/Camera/PXL_202508_123033@@@.PORTRAIT-01.COVER.jpg < edit PXL_202508_123033@@@.PORTRAIT-02.ORIGINAL.jpg
        DCIM/Camera/PXL_202508_123044@@@.MOTION-02.ORIGINAL.jpg
        DCIM/Camera/PXL_202508_123044@@@.MOTION-01.COVER.jpg < edit PXL_202508_123044@@@.MOTION-02.ORIGINAL.jpg
        DCIM/Camera/PXL_202508_123055@@@.LONG_EXPOSURE-02.ORIGINA.jpg
        DCIM/Camera/PXL_202508_123055@@@.LONG_EXPOSURE-01.COVER.jpg < edit PXL_202508_123055@@@.LONG_EXPOSURE-02.ORIGINA.jpg
        DCIM/Camera/PXL_202508_123066@@@.PORTRAIT-02.ORIGINAL.jpg
        DCIM/Camera/PXL_202508_123066@@@.PORTRAIT-01.MP.COVER.jpg < edit PXL_202508_123066@@@.PORTRAIT-02.ORIGINAL.jpg
    """,
    "Google Takeout": """
        Takeout/Google Photos/2025/IMG_@@@@.jpg
        Takeout/Google Photos/2025/IMG_@@@@.jpg.json < sidecar IMG_@@@@.jpg
        Takeout/Google Photos/2025/IMG_@@@@-edited.jpg < edit IMG_@@@@.jpg
        Takeout/Google Photos/2025/VID_@@@@.mp4
        Takeout/Google Photos/2025/VID_@@@@.mp4.supplemental-metadata.json < sidecar VID_@@@@.mp4
        Takeout/Google Photos/2025/PXL_@@@@.jpg
        Takeout/Google Photos/2025/PXL_@@@@.jpg.suppl.json < sidecar PXL_@@@@.jpg
        Takeout/Google Photos/2025/PXL_@@@@.MP
        Takeout/Google Photos/2025/PXL_@@@@.MP.supplemental-meta.json < sidecar PXL_@@@@.MP
        Takeout/Google Photos/2025/copy(@@).jpg
        Takeout/Google Photos/2025/copy.jpg(@@).json < sidecar copy(@@).jpg
        Takeout/Google Photos/2025/copy-edited(@@).jpg < edit copy(@@).jpg
        Takeout/Google Photos/2025/other(@@).heic
        Takeout/Google Photos/2025/other.heic.supplemental-metadata(@@).json < sidecar other(@@).heic
        Takeout/Google Photos/2025/other.heic.supp(@@).json < sidecar other(@@).heic
        Takeout/Google Photos/2025/IMG_@@@@-bearbeitet.jpg < edit IMG_@@@@.jpg
        Takeout/Google Photos/2025/VID_@@@@-modifié.mp4 < edit VID_@@@@.mp4
        Takeout/Google Photos/2025/VID_@@@@-modifie\u0301.mp4 < edit VID_@@@@.mp4
        Takeout/Google Photos/2025/IMG_@@@@-تم التعديل.jpg < edit IMG_@@@@.jpg
        Takeout/Google Photos/2025/a name of 44 characters that is long 25@@@@@.jpg
        Takeout/Google Photos/2025/a name of 44 characters that is long 25@@@@@.j.json < sidecar a name of 44 characters that is long 25@@@@@.jpg
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@.jpg
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@-edi.jpg < edit a name of 43 characters, all of them: 2@@@@.jpg
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@.mp4
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@-mod.mp4 < edit a name of 43 characters, all of them: 2@@@@.mp4
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@(@@).jpg
        Takeout/Google Photos/2025/a name of 43 characters, all of them: 2@@@@-bea(@@).jpg < edit a name of 43 characters, all of them: 2@@@@(@@).jpg
        Takeout/Google Photos/2025/another name of 44 characters, of a film @@@(@@).jpg
        Takeout/Google Photos/2025/another name of 44 characters, of a film @@@.j(@@).json < sidecar another name of 44 characters, of a film @@@(@@).jpg
        Takeout/Google Photos/2025/original_1d4caa6f-16c6-4c3d-901b-9387de10@@@@_P.jpg
        Takeout/Google Photos/2025/original_1d4caa6f-16c6-4c3d-901b-9387de10@@@@_.json < sidecar original_1d4caa6f-16c6-4c3d-901b-9387de10@@@@_P.jpg
        Takeout/Google Photos/2025/Backyard_ceremony_wedding_photography_xxxxx_@@m(@@).jpg
        Takeout/Google Photos/2025/Backyard_ceremony_wedding_photography_xxxxx_@@(@@).json < sidecar Backyard_ceremony_wedding_photography_xxxxx_@@m(@@).jpg
    """,
    "Zoom": """
        ZOOM@@@@/ZOOM@@@@_LR.WAV
        ZOOM@@@@/ZOOM@@@@_Tr1.WAV < audio ZOOM@@@@_LR.WAV
        ZOOM@@@@/ZOOM@@@@_Tr2.WAV < audio ZOOM@@@@_LR.WAV
        ZOOM@@@@/ZOOM@@@@.hprj < sidecar ZOOM@@@@_LR.WAV
        FOLDER01/25080@_Tr1.WAV
        FOLDER01/25080@_Tr2.WAV < audio 25080@_Tr1.WAV
        FOLDER01/25080@_Tr12.WAV < audio 25080@_Tr1.WAV
        25080@-T001.WAV
        25080@-T001_Tr1_2.WAV < audio 25080@-T001.WAV
        25080@-T001_Tr3.WAV < audio 25080@-T001.WAV
        F250801_@@@/F250801_@@@.h8prj < sidecar TrLR.wav
        F250801_@@@/TrLR.wav
        F250801_@@@/Tr1.wav < audio TrLR.wav
        F250801_@@@/Tr1_01.wav < audio TrLR.wav
        F250801_@@@/Tr34.wav < audio TrLR.wav
        F250801_@@@/TrA.wav < audio TrLR.wav
        M250801_@@@/Tr1.wav
        M250801_@@@/Tr2.wav < audio Tr1.wav
        P250801_@@@/Mic12.wav
        P250801_@@@/Mic12_BU.wav < audio Mic12.wav
        P250801_@@@/P250801_@@@.h8prj < sidecar Mic12.wav
    """,
    "Sound Devices": """
        SCENE/S01T@@@_1.WAV
        SCENE/S01T@@@_2.WAV < audio S01T@@@_1.WAV
        SCENE/S01T@@@_12.WAV < audio S01T@@@_1.WAV
        FALSETAKES/S01T@@@_1.WAV
        FALSETAKES/S01T@@@_2.WAV < audio S01T@@@_1.WAV
        SOUNDDEV/settings@@@.xml
    """,
    "RED": """
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4_002.R3D < chapter A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4.RMD < metadata A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4.RTN < metadata A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4.mov < proxy A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4_A01.mxf < audio A002_C@@@_0908R4_001.R3D
        A002_0908FT.RDM/A002_C@@@_0908R4.RDC/A002_C@@@_0908R4_001.WAV < audio A002_C@@@_0908R4_001.R3D
        digital_magazine.bin
        digital_magdynamic.bin
    """,
    "Blackmagic": """
        A001_08011230_C@@@.braw
        A001_08011230_C@@@.braw2 < chapter A001_08011230_C@@@.braw
        A001_08011230_C@@@.sidecar < sidecar A001_08011230_C@@@.braw
        Proxy/A001_08011230_C@@@.mp4 < proxy /A001_08011230_C@@@.braw
    """,
    "CinemaDNG": """
        A001_C@@@/A001_C@@@_000000.dng
        A001_C@@@/A001_C@@@_000001.dng
        A001_C@@@/A001_C@@@.wav < audio A001_C@@@_000000.dng
        Interview@@@/Interview@@@_000000.dng
        Interview@@@/Interview@@@.wav < audio Interview@@@_000000.dng
    """,
    "Panasonic P2": """
        CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/CLIP/@@@@AB.XML < metadata CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/CLIP/@@@@AB.XMP < metadata CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/AUDIO/@@@@AB00.MXF < audio CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/AUDIO/@@@@AB01.MXF < audio CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/ICON/@@@@AB.BMP < thumbnail CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/VOICE/@@@@AB00.WAV < voice_memo CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/PROXY/@@@@AB.MP4 < proxy CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/PROXY/@@@@AB.BIN < metadata CONTENTS/VIDEO/@@@@AB.MXF
        CONTENTS/PROXY/@@@@AB.XML < sidecar @@@@AB.MP4
        LASTCLIP.TXT
        CONTENTS/AVCLIP/@@@@CD.MXF
        CONTENTS/CLIP/@@@@CD.XML < metadata CONTENTS/AVCLIP/@@@@CD.MXF
        CONTENTS/ICON/@@@@CD.BMP < thumbnail CONTENTS/AVCLIP/@@@@CD.MXF
    """,
    "editors": """
        shoot/DSC_@@@@.NEF
        shoot/DSC_@@@@.NEF.xmp < sidecar DSC_@@@@.NEF
        shoot/DSC_@@@@_01.NEF.xmp < sidecar DSC_@@@@.NEF
        shoot/CaptureOne/Settings/DSC_@@@@.NEF.cos < sidecar shoot/DSC_@@@@.NEF
        shoot/NKSC_PARAM/DSC_@@@@.NEF.nksc < sidecar shoot/DSC_@@@@.NEF
        shoot/DSC_@@@@.acr < sidecar DSC_@@@@.NEF
        shoot/Wedding@@@@.mp4
        shoot/Wedding@@@@.srt < sidecar Wedding@@@@.mp4
        shoot/Wedding@@@@.en.srt < sidecar Wedding@@@@.mp4
        shoot/Wedding@@@@.pt-BR.forced.vtt < sidecar Wedding@@@@.mp4
        shoot/Wedding@@@@.en.sdh.srt < sidecar Wedding@@@@.mp4
        shoot/Wedding@@@@.en.forced.hi.srt < sidecar Wedding@@@@.mp4
        shoot/Wedding@@@@.es-419.cc.srt < sidecar Wedding@@@@.mp4
        shoot/Toast@@@@.mp4
        shoot/Toast@@@@.de.mp4
        shoot/Toast@@@@.de.srt < sidecar Toast@@@@.de.mp4
        shoot/Toast@@@@.de.en.srt < sidecar Toast@@@@.de.mp4
    """,
    "Tascam": """
        SOUND/TASCAM_@@@@_1.wav < audio TASCAM_@@@@_MIX.wav
        SOUND/TASCAM_@@@@_2.wav < audio TASCAM_@@@@_MIX.wav
        SOUND/TASCAM_@@@@_3-4.wav < audio TASCAM_@@@@_MIX.wav
        SOUND/TASCAM_@@@@_MIX.wav
        SOUND/25080@_@@@@_1.wav
        SOUND/25080@_@@@@_2.wav < audio 25080@_@@@@_1.wav
    """,
    "Panasonic PANA_GRP": """
        PRIVATE/PANA_GRP/001RAQAM/A001C@@@_250801_AB12.MOV
    """,
    "ARRI": """
        A001R1AB/A001C@@@_250801_R1AB.mov
        A001R1AB/A001R1AB_FCP.xml
        A001R1AB/A001R1AB.ale
        A001R1AB/wav/A001C@@@_250801_R1AB.wav
        A002R1AB/A002C@@@_250801_R1AB/2880x1620/A002C@@@_250801_R1AB.0086400.ari
        A002R1AB/A002C@@@_250801_R1AB/2880x1620/A002C@@@_250801_R1AB.0086401.ari
        A_0003_1AB2/A_0003C@@@_250801_101010_a1AB2.mxf
    """,
    "AVCHD": """
        PRIVATE/AVCHD/BDMV/INDEX.BDM
        PRIVATE/AVCHD/BDMV/CLIPINF/00@@@.CPI < metadata /PRIVATE/AVCHD/BDMV/STREAM/00@@@.MTS
        PRIVATE/AVCHD/BDMV/STREAM/00@@@.MTS
    """,
    "Apple": """
        DCIM/100APPLE/IMG_@@@@.HEIC
        DCIM/100APPLE/IMG_@@@@.AAE < sidecar IMG_@@@@.HEIC
        DCIM/100APPLE/IMG_E@@@@.HEIC < edit IMG_@@@@.HEIC
        DCIM/100APPLE/IMG_O@@@@.AAE < edit IMG_@@@@.HEIC
        DCIM/101APPLE/IMG_@@@@.MOV
        DCIM/101APPLE/IMG_E@@@@.MOV < edit IMG_@@@@.MOV
    """,
}


def lines(layout: str, take: int) -> list[Line]:
    """The files of one take of a layout."""
    numbered = re.sub("@+", lambda run: f"{take:0{len(run[0])}d}", LAYOUTS[layout])
    found: list[Line] = []
    for line in filter(None, map(str.strip, numbered.splitlines())):
        path, _, link = line.partition(" < ")
        role, _, owner = link.partition(" ")
        if owner.startswith("/"):
            owner = owner[1:]
        elif owner and "/" not in owner:
            owner = path.rpartition("/")[0] + "/" + owner if "/" in path else owner
        found.append(Line(path, role, owner))
    return found

"""The catalog's tables, as one list of migrations: each brings the database from its index to the next version."""

from collections.abc import Callable

from core.media import old_reasons

DATABASE_FILE = "lading.db"
"""The database's file name in the state folder."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE archive (
        id INTEGER PRIMARY KEY,
        uuid TEXT NOT NULL UNIQUE,
        path BLOB NOT NULL
    );
    CREATE TABLE volume (
        id INTEGER PRIMARY KEY,
        identity TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        filesystem TEXT NOT NULL,
        capacity INTEGER
    );
    CREATE TABLE location (
        id INTEGER PRIMARY KEY,
        archive_id INTEGER NOT NULL REFERENCES archive,
        folder TEXT NOT NULL,
        name TEXT NOT NULL,
        description TEXT NOT NULL DEFAULT '',
        access_note TEXT NOT NULL DEFAULT '',
        external_identifier TEXT NOT NULL DEFAULT '',
        latitude REAL,               -- degrees, both or neither
        longitude REAL,
        described REAL,              -- when that was last changed here; NULL: never, and bag-info.txt is believed
        UNIQUE (archive_id, folder)
    );
    CREATE TABLE import (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        archive_id INTEGER NOT NULL REFERENCES archive,
        location_id INTEGER NOT NULL REFERENCES location,
        volume_id INTEGER NOT NULL REFERENCES volume,
        root BLOB NOT NULL,          -- the source's root on its volume
        source BLOB NOT NULL,        -- as an absolute path
        single BLOB NOT NULL,        -- the one file picked, or empty
        options TEXT NOT NULL,       -- the ImportRequest, JSON
        machine TEXT NOT NULL,
        version TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        advice TEXT NOT NULL DEFAULT '',
        listed INTEGER NOT NULL DEFAULT 0,
        started REAL NOT NULL,
        ended REAL,
        zone TEXT NOT NULL,
        runs INTEGER NOT NULL DEFAULT 0,
        unclean INTEGER NOT NULL DEFAULT 0,     -- core.engine.recovery
        bytes_read INTEGER NOT NULL DEFAULT 0,
        verdict TEXT NOT NULL DEFAULT '',
        verdict_reason TEXT NOT NULL DEFAULT '',
        previous TEXT NOT NULL DEFAULT '',  -- SHA-256 of the archive's receipt before this one
        receipt TEXT NOT NULL DEFAULT ''    -- SHA-256 of this one
    );
    CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        archive_id INTEGER NOT NULL REFERENCES archive,
        location_id INTEGER NOT NULL REFERENCES location,
        xxh128 BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        size INTEGER NOT NULL,
        kind TEXT NOT NULL,
        path TEXT NOT NULL,          -- below the archive's root
        level TEXT NOT NULL,         -- verification level reached
        read_back REAL,              -- when it was last read back and found well
        damage TEXT                  -- what the last audit found wrong with it
    );
    CREATE INDEX item_content ON item (xxh128);
    CREATE INDEX item_read_back ON item (archive_id, read_back);
    CREATE INDEX item_location ON item (location_id);
    CREATE TABLE file (
        id INTEGER PRIMARY KEY,
        import_id INTEGER NOT NULL REFERENCES import,
        volume_id INTEGER NOT NULL REFERENCES volume,
        path BLOB NOT NULL,          -- below the volume's root
        stem BLOB NOT NULL,          -- core.media.stems.stem_key, below the source's root
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        kind TEXT NOT NULL,
        outcome INTEGER NOT NULL,
        item_id INTEGER REFERENCES item,
        reason TEXT,
        UNIQUE (volume_id, path, import_id)
    ) STRICT;
    CREATE INDEX file_import ON file (import_id, outcome);
    CREATE INDEX file_order ON file (import_id);
    CREATE INDEX file_stem ON file (import_id, stem);
    CREATE INDEX file_item ON file (item_id);
    CREATE TABLE folder (
        import_id INTEGER NOT NULL REFERENCES import,
        path BLOB NOT NULL,          -- below the source's root
        mtime_ns INTEGER NOT NULL,
        PRIMARY KEY (import_id, path)
    ) WITHOUT ROWID;
    CREATE TABLE link (
        file_id INTEGER NOT NULL REFERENCES file,
        owner_id INTEGER NOT NULL REFERENCES file,
        role TEXT NOT NULL,
        PRIMARY KEY (file_id, owner_id)
    ) WITHOUT ROWID;
    CREATE TABLE audit (             -- one that is under way, or was interrupted
        archive_id INTEGER PRIMARY KEY REFERENCES archive,
        started REAL NOT NULL,
        after INTEGER NOT NULL       -- every item up to this one has been read
    );
    CREATE TABLE journal (
        archive_id INTEGER NOT NULL REFERENCES archive,
        name TEXT NOT NULL,
        read_to INTEGER NOT NULL,    -- bytes of it that the catalog knows
        PRIMARY KEY (archive_id, name)
    ) WITHOUT ROWID;
    CREATE TABLE bag (
        location_id INTEGER PRIMARY KEY REFERENCES location,
        sealed REAL,                 -- when it was last made valid; NULL: it is open, and `note` says why
        note TEXT NOT NULL DEFAULT '',
        files INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        added INTEGER NOT NULL DEFAULT 0,   -- files that neither catalog nor manifest knew, hashed by the last run
        missing INTEGER NOT NULL DEFAULT 0, -- files that are gone
        manifest TEXT NOT NULL DEFAULT ''   -- SHA-256 of the payload manifest
    );
    CREATE TABLE bag_missing (       -- the first of the files that are gone
        location_id INTEGER NOT NULL REFERENCES location,
        path BLOB NOT NULL,          -- below the location's folder
        PRIMARY KEY (location_id, path)
    ) WITHOUT ROWID;
    CREATE TABLE location_stats (    -- of the distinct items that imports into it archived or found there already
        location_id INTEGER PRIMARY KEY REFERENCES location,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        kinds TEXT NOT NULL,         -- JSON: {kind: {"files", "bytes"}}
        cameras TEXT NOT NULL,       -- JSON: [[camera, items]], most first
        earliest TEXT,               -- capture, as `metadata.captured_local`
        latest TEXT,
        located INTEGER NOT NULL,    -- items with a position
        south REAL,
        north REAL,
        west REAL,                   -- greater than `east` when the bounds cross the antimeridian
        east REAL,
        computed REAL NOT NULL
    );
    CREATE TABLE metadata (          -- what exiftool found: core.media.metadata.Metadata
        item_id INTEGER PRIMARY KEY REFERENCES item,
        captured REAL,               -- seconds since 1970; UTC as far as captured_zone says so
        captured_local TEXT,         -- the clock at the place: 2024-05-06T07:08:09.25, 2024-05-06, 2024-05 or 2024
        offset INTEGER,              -- minutes east of UTC
        captured_tag TEXT,           -- where it was found: ExifIFD:DateTimeOriginal
        captured_zone TEXT,          -- recorded; utc; unset; '' not known, the clock taken for UTC
        make TEXT,
        model TEXT,
        serial TEXT,
        lens TEXT,
        width INTEGER,               -- before it is turned
        height INTEGER,
        orientation INTEGER,         -- 1 to 8, as in EXIF
        lat REAL,                    -- degrees, both or neither
        lon REAL,
        altitude REAL,
        duration REAL,
        content_identifier TEXT,
        format TEXT,
        mime TEXT,
        warning TEXT,
        error TEXT,                  -- why it could not be read
        raw BLOB NOT NULL            -- all that exiftool said: JSON, zlib
    ) STRICT;
    CREATE INDEX metadata_content ON metadata (content_identifier) WHERE content_identifier IS NOT NULL;
    CREATE TABLE probe (             -- what ffprobe found: core.media.ffprobe_parse.Probe
        item_id INTEGER PRIMARY KEY REFERENCES item,
        duration REAL,
        container TEXT,
        bit_rate INTEGER,
        streams INTEGER,
        width INTEGER,               -- before it is turned
        height INTEGER,
        rotation INTEGER,            -- clockwise, for showing: 0, 90, 180, 270
        codec TEXT,
        profile TEXT,
        pixel_format TEXT,
        frame_rate REAL,             -- on average
        variable_rate INTEGER,
        transfer TEXT,
        primaries TEXT,
        hdr TEXT,                    -- PQ, HLG
        time_code TEXT,
        audio_codec TEXT,
        audio_channels INTEGER,
        audio_rate INTEGER,
        created TEXT,
        error TEXT,                  -- why it could not be read
        raw BLOB NOT NULL            -- all that ffprobe said: JSON, zlib
    ) STRICT;
    CREATE TABLE live_pair (         -- each still has one movie at most; a movie may have several stills
        still_id INTEGER PRIMARY KEY REFERENCES item,
        movie_id INTEGER NOT NULL REFERENCES item,
        found TEXT NOT NULL          -- identifier, or name
    );
    CREATE INDEX live_pair_movie ON live_pair (movie_id);
    CREATE TABLE derivative (        -- also where none can be made: then the path is empty and the note says why
        item_id INTEGER NOT NULL REFERENCES item,
        role TEXT NOT NULL,          -- "400", "800", "1920": thumbnails, by their short edge; "proxy"
        path TEXT NOT NULL,          -- below the archive's root
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        size INTEGER NOT NULL,
        note TEXT NOT NULL,
        PRIMARY KEY (item_id, role)
    ) WITHOUT ROWID;
    CREATE TABLE job (
        id INTEGER PRIMARY KEY,
        queue TEXT NOT NULL,
        priority INTEGER NOT NULL,
        archive_id INTEGER NOT NULL,
        item_id INTEGER NOT NULL DEFAULT 0,     -- what it works on is one of these three; 0: not that
        import_id INTEGER NOT NULL DEFAULT 0,
        location_id INTEGER NOT NULL DEFAULT 0,
        origin INTEGER NOT NULL DEFAULT 0,      -- the import that it came with
        barrier INTEGER NOT NULL DEFAULT 0,     -- the import whose end it waits for
        understood INTEGER NOT NULL DEFAULT 0,  -- and also for what that import's barrier counts
        follows TEXT NOT NULL DEFAULT '',       -- queue of the job of the same item that it waits for
        required INTEGER NOT NULL DEFAULT 0,    -- whether that one's failure cancels it
        remaining INTEGER NOT NULL DEFAULT 0,   -- jobs it waits for
        state TEXT NOT NULL,                    -- waiting, ready, claimed, done, dead, cancelled
        again INTEGER NOT NULL DEFAULT 0,       -- asked for once more while it was claimed
        attempts INTEGER NOT NULL DEFAULT 0,
        due REAL NOT NULL DEFAULT 0,            -- when it may be tried again; 0: it does not wait for that
        run INTEGER NOT NULL DEFAULT 0,         -- the engine's, that claimed it
        claimed REAL,
        ended REAL,
        error TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX job_work ON job (item_id, location_id, import_id, queue, barrier);
    CREATE INDEX job_ready ON job (queue, archive_id, priority DESC, id) WHERE state = 'ready';
    CREATE INDEX job_due ON job (due) WHERE due > 0;
    CREATE INDEX job_barrier ON job (barrier) WHERE barrier != 0;
    CREATE INDEX job_ended ON job (state, ended) WHERE ended IS NOT NULL;
    CREATE TABLE barrier (
        import_id INTEGER PRIMARY KEY,
        remaining INTEGER            -- jobs that tell what its items are; NULL: its transfers have not ended
    );
    CREATE TABLE queue (
        name TEXT PRIMARY KEY,
        paused INTEGER NOT NULL DEFAULT 0,
        slots INTEGER,               -- NULL: as many as the hardware profile says
        done INTEGER NOT NULL DEFAULT 0,
        failed INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    """,
    # Search (core.catalog.search). The index of names stores no names, only which trigrams the name of each file
    # has.
    """
    CREATE VIRTUAL TABLE file_name USING fts5 (
        path, content = '', detail = none, columnsize = 0, tokenize = 'trigram'
    );
    CREATE TRIGGER file_named AFTER INSERT ON file BEGIN
        INSERT INTO file_name (rowid, path) VALUES (new.id, CAST(
            substr(new.path, 1 + (SELECT length(root) FROM import WHERE id = new.import_id)) AS TEXT));
    END;
    CREATE TRIGGER file_gone AFTER DELETE ON file BEGIN
        INSERT INTO file_name (file_name, rowid, path) VALUES ('delete', old.id, CAST(
            substr(old.path, 1 + (SELECT length(root) FROM import WHERE id = old.import_id)) AS TEXT));
    END;
    INSERT INTO file_name (rowid, path)
        SELECT f.id, CAST(substr(f.path, 1 + length(i.root)) AS TEXT)
        FROM file f JOIN import i ON i.id = f.import_id ORDER BY f.id;
    CREATE INDEX file_kind ON file (kind);
    CREATE INDEX file_mtime ON file (mtime_ns);
    CREATE INDEX item_sha256 ON item (substr(sha256, 1, 8));
    ALTER TABLE metadata ADD COLUMN camera TEXT
        GENERATED ALWAYS AS (nullif(trim(coalesce(make, '') || ' ' || coalesce(model, '')), '')) VIRTUAL;
    CREATE INDEX metadata_camera ON metadata (camera, captured_local) WHERE camera IS NOT NULL;
    CREATE INDEX metadata_captured ON metadata (captured_local) WHERE captured_local IS NOT NULL;
    """,
    """
    ALTER TABLE import ADD COLUMN waits TEXT NOT NULL DEFAULT '';   -- core.models.Waits
    """,
    """
    CREATE TABLE failure (           -- how far a file came that failed while it was brought in
        file_id INTEGER PRIMARY KEY REFERENCES file,
        stage TEXT NOT NULL,         -- list, read, copy, flush, verify, publish; empty where it is not known
        attempts INTEGER NOT NULL
    ) STRICT;
    """,
    # How files are published in the archive (core.files.noreplace); empty where it is not known.
    "ALTER TABLE import ADD COLUMN way TEXT NOT NULL DEFAULT ''",
    # The index includes the kind of a file, for searches by camera or date (core.catalog.search_plan).
    """
    DROP INDEX file_item;
    CREATE INDEX file_item ON file (item_id, kind);
    """,
    # An archive is found again by its volume's identity and its path there (core.archives.locate).
    """
    ALTER TABLE archive ADD COLUMN volume TEXT NOT NULL DEFAULT '';
    ALTER TABLE archive ADD COLUMN root BLOB NOT NULL DEFAULT x'';
    """,
    # Two archives can be mounted at one place, one after the other.
    "ALTER TABLE archive ADD COLUMN seen REAL NOT NULL DEFAULT 0",
    """
    CREATE TABLE far_time (          -- exact times of files and folders, where mtime_ns has the nearest
        import_id INTEGER NOT NULL REFERENCES import,
        path BLOB NOT NULL,          -- below the source's root
        ns TEXT NOT NULL,            -- nanoseconds since 1970, decimal
        PRIMARY KEY (import_id, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE unkept (            -- files some of whose extended attributes could not be kept
        file_id INTEGER PRIMARY KEY REFERENCES file
    ) STRICT;
    -- Bytes used of its volume when what it holds longest was last sampled (core.importing.reverify_sample).
    ALTER TABLE archive ADD COLUMN sampled INTEGER NOT NULL DEFAULT 0;
    """,
    # Junk files of operating systems that were last seen in a bag; in its payload they make it invalid.
    "ALTER TABLE bag ADD COLUMN junk INTEGER NOT NULL DEFAULT 0",
    # Why a file failed: `file.reason` names the cause, in the same words for every file that it affects; these
    # columns hold the parts that the program uses. They are parsed once from the reasons of older versions.
    """
    ALTER TABLE failure ADD COLUMN side TEXT NOT NULL DEFAULT '';   -- source, archive, program
    ALTER TABLE failure ADD COLUMN code INTEGER NOT NULL DEFAULT 0; -- errno
    ALTER TABLE failure ADD COLUMN detail TEXT NOT NULL DEFAULT ''; -- true of this file only: an offset, sizes
    INSERT OR IGNORE INTO failure (file_id, stage, attempts)
        SELECT id, CASE WHEN reason LIKE 'source: %' OR reason LIKE 'archive: %' OR reason LIKE 'program: %'
                   THEN '' ELSE 'list' END, 0
        FROM file WHERE outcome = 5;
    UPDATE failure SET side = (
        SELECT CASE WHEN reason LIKE 'archive: %' THEN 'archive' WHEN reason LIKE 'program: %' THEN 'program'
               ELSE 'source' END
        FROM file WHERE id = file_id);
    UPDATE failure SET code = (      -- numbers that Linux and macOS share
        SELECT CASE WHEN reason LIKE '%Input/output error%' THEN 5 WHEN reason LIKE '%Permission denied' THEN 13
               WHEN reason LIKE '%Operation not permitted' THEN 1 ELSE 0 END
        FROM file WHERE id = file_id);
    """,
    # Files whose content changed with unchanged size and time (core.catalog.differing), and files that cannot be
    # opened (core.catalog.unopenable).
    """
    CREATE TABLE differing (
        file_id INTEGER PRIMARY KEY REFERENCES file,
        item_id INTEGER NOT NULL REFERENCES item,   -- what an earlier import read under that path
        imported REAL NOT NULL,                     -- when that import began
        accepted REAL                               -- when a person said that it is in order
    ) STRICT;
    CREATE INDEX differing_item ON differing (item_id);
    CREATE TABLE unopenable (
        item_id INTEGER NOT NULL REFERENCES item,
        queue TEXT NOT NULL,                        -- which found it out
        why TEXT NOT NULL,
        PRIMARY KEY (item_id, queue)
    ) WITHOUT ROWID;
    CREATE TABLE unopenable_told (                  -- the import's receipt, or an addition to it, names them
        file_id INTEGER PRIMARY KEY REFERENCES file
    );
    ALTER TABLE import ADD COLUMN otherwise TEXT NOT NULL DEFAULT '';        -- the verdict once it is accepted
    ALTER TABLE import ADD COLUMN otherwise_reason TEXT NOT NULL DEFAULT '';
    ALTER TABLE import ADD COLUMN accepted REAL;
    ALTER TABLE import ADD COLUMN accepted_by TEXT NOT NULL DEFAULT '';
    ALTER TABLE import ADD COLUMN watched INTEGER NOT NULL DEFAULT 0;        -- 1: its files are still being opened
    """,
    # Of the copies of an archive, `archive` holds the one in use, `copy` all others (core.archives.copies).
    """
    ALTER TABLE archive ADD COLUMN fsid TEXT NOT NULL DEFAULT '';
    ALTER TABLE archive ADD COLUMN mark TEXT NOT NULL DEFAULT '';
    CREATE TABLE copy (
        id INTEGER PRIMARY KEY,
        archive_id INTEGER NOT NULL REFERENCES archive,
        path BLOB NOT NULL,
        volume TEXT NOT NULL,
        root BLOB NOT NULL,          -- on that volume
        fsid TEXT NOT NULL,          -- as core.workers.messages.ArchiveFacts has it, like `mark`
        mark TEXT NOT NULL,
        seen REAL NOT NULL
    );
    CREATE INDEX copy_archive ON copy (archive_id);
    CREATE TABLE copy_item (         -- what `item` says of the copy in use, once the item was read there
        copy_id INTEGER NOT NULL REFERENCES copy,
        item_id INTEGER NOT NULL REFERENCES item,
        level TEXT NOT NULL,
        read_back REAL,
        damage TEXT,
        PRIMARY KEY (copy_id, item_id)
    ) WITHOUT ROWID;
    CREATE INDEX copy_item_item ON copy_item (item_id);
    CREATE TABLE copy_audit (        -- as `audit`, of copies not in use
        copy_id INTEGER PRIMARY KEY REFERENCES copy,
        started REAL NOT NULL,
        after INTEGER NOT NULL
    );
    """,
    # A camera's name is made when metadata is stored (core.media.camera.camera_name); here it is made for older
    # rows.
    """
    DROP INDEX metadata_camera;
    ALTER TABLE metadata DROP COLUMN camera;
    ALTER TABLE metadata ADD COLUMN camera TEXT;
    UPDATE metadata SET make = CASE make WHEN '259' THEN 'Panasonic' WHEN '264' THEN 'Sony'
        WHEN '4113' THEN 'Canon' WHEN '4356' THEN 'JVC' END WHERE make != '' AND make NOT GLOB '*[^0-9]*';
    UPDATE metadata SET camera = nullif(iif(
        trim(coalesce(make, '')) != '' AND
            substr(lower(trim(coalesce(model, ''))), 1, instr(trim(make) || ' ', ' ') - 1) =
            lower(substr(trim(make), 1, instr(trim(make) || ' ', ' ') - 1)),
        trim(model), trim(trim(coalesce(make, '')) || ' ' || trim(coalesce(model, '')))), '')
        WHERE make IS NOT NULL OR model IS NOT NULL;
    CREATE INDEX metadata_camera ON metadata (camera, captured_local) WHERE camera IS NOT NULL;
    """,
    # Contents are looked up within their archive. Without statistics, SQLite considers any index that begins with
    # archive_id as good as the one on digests, and reads all items of the archive.
    """
    CREATE INDEX item_digest ON item (archive_id, xxh128);
    DROP INDEX item_content;
    CREATE INDEX link_owner ON link (owner_id);
    CREATE INDEX job_unfinished ON job (origin) WHERE state IN ('waiting', 'ready', 'claimed');
    """,
    # Films that are kept as numbered pictures (core.catalog.sequences); their other frames are linked to the
    # first.
    """
    CREATE TABLE sequence (
        file_id INTEGER PRIMARY KEY REFERENCES file,   -- the first frame
        import_id INTEGER NOT NULL REFERENCES import,
        frames INTEGER NOT NULL,
        told TEXT NOT NULL           -- frames 0–86,399, 3 missing: 1,204–1,206
    ) STRICT;
    CREATE INDEX sequence_import ON sequence (import_id);
    """,
    # Time zones found by neighbours (core.catalog.neighbours), and corrections by a person
    # (core.catalog.adjustments). The latest correction of an item is in `metadata`, whoever writes that;
    # `unadjusted` has the file's own values. captured_zone may be position, neighbours, name or adjusted, too
    # (core.media.local_time.FOUND_BY).
    """
    CREATE INDEX metadata_zoned ON metadata (camera, captured) WHERE offset IS NOT NULL;
    CREATE INDEX metadata_undecided ON metadata (camera, captured)
        WHERE captured_zone IN ('utc', 'name', 'neighbours');
    CREATE TABLE adjusted (
        item_id INTEGER NOT NULL REFERENCES item,
        made REAL NOT NULL,          -- when: the number of the correction, of one or many items
        import_id INTEGER NOT NULL REFERENCES import,   -- whose journal tells of it
        what TEXT NOT NULL,          -- shift +1h
        by TEXT NOT NULL,
        captured REAL NOT NULL,      -- these four as they are in `metadata` then
        captured_local TEXT NOT NULL,
        offset INTEGER,
        captured_zone TEXT NOT NULL,
        PRIMARY KEY (item_id, made)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE unadjusted (
        item_id INTEGER PRIMARY KEY REFERENCES item,
        captured REAL,
        captured_local TEXT,
        offset INTEGER,
        captured_zone TEXT
    ) STRICT;
    CREATE TRIGGER adjusted_made AFTER INSERT ON adjusted BEGIN
        INSERT OR IGNORE INTO unadjusted
            SELECT item_id, captured, captured_local, offset, captured_zone FROM metadata
            WHERE item_id = new.item_id;
        UPDATE metadata SET captured = a.captured, captured_local = a.captured_local, offset = a.offset,
                            captured_zone = a.captured_zone
            FROM (SELECT * FROM adjusted WHERE item_id = new.item_id ORDER BY made DESC LIMIT 1) AS a
            WHERE metadata.item_id = new.item_id;
    END;
    CREATE TRIGGER adjusted_undone AFTER DELETE ON adjusted BEGIN
        UPDATE metadata SET captured = a.captured, captured_local = a.captured_local, offset = a.offset,
                            captured_zone = a.captured_zone
            FROM (SELECT * FROM (
                      SELECT captured, captured_local, offset, captured_zone, made FROM adjusted
                      WHERE item_id = old.item_id
                      UNION ALL
                      SELECT captured, captured_local, offset, captured_zone, -1.0 FROM unadjusted
                      WHERE item_id = old.item_id)
                  ORDER BY made DESC LIMIT 1) AS a
            WHERE metadata.item_id = old.item_id;
        DELETE FROM unadjusted WHERE item_id = old.item_id
            AND NOT EXISTS (SELECT 1 FROM adjusted WHERE item_id = old.item_id);
    END;
    CREATE TRIGGER metadata_adjusted AFTER INSERT ON metadata
        WHEN EXISTS (SELECT 1 FROM adjusted WHERE item_id = new.item_id) BEGIN
        INSERT OR REPLACE INTO unadjusted
            VALUES (new.item_id, new.captured, new.captured_local, new.offset, new.captured_zone);
        UPDATE metadata SET captured = a.captured, captured_local = a.captured_local, offset = a.offset,
                            captured_zone = a.captured_zone
            FROM (SELECT * FROM adjusted WHERE item_id = new.item_id ORDER BY made DESC LIMIT 1) AS a
            WHERE metadata.item_id = new.item_id;
    END;
    """,
    # The verified copies that an import waits for, when it would be SAFE but for them (core.archives.copy_count).
    "ALTER TABLE import ADD COLUMN copies INTEGER NOT NULL DEFAULT 0",
    # By which rules its metadata was read at least (core.media.metadata.RULES); 0: before these had a version.
    "ALTER TABLE archive ADD COLUMN rules INTEGER NOT NULL DEFAULT 0",
    # Names are entered by a statement of their own for many files (core.catalog.files.NAME). In a trigger each
    # file is a statement within one, and before each of those FTS5 writes out what it has gathered.
    "DROP TRIGGER file_named",
    # Why an entry was not read, for programs: core.media.left_out. `reason` says it to people; once it told all.
    # 26 is ETXTBSY and 34 is ERANGE, on Linux and macOS: core.workers.read_source.
    """
    ALTER TABLE file ADD COLUMN sort TEXT NOT NULL DEFAULT '';
    ALTER TABLE file ADD COLUMN target BLOB;
    UPDATE file SET sort = old_sort(reason), target = old_target(reason) WHERE outcome = 3 AND reason != '';
    UPDATE file SET sort = old_sort(reason) WHERE outcome = 2 AND reason != '';
    UPDATE failure SET code = 26 WHERE code = 0 AND file_id IN (
        SELECT id FROM file WHERE outcome = 5 AND reason = 'source: it changed while it was read, twice');
    UPDATE failure SET code = 34 WHERE code = 0 AND file_id IN (
        SELECT id FROM file WHERE outcome = 5 AND reason GLOB 'source: its file system gives *');
    """,
    # Checksum lists of sources (core.catalog.checksum_lists).
    """
    CREATE TABLE checksum_list (
        id INTEGER PRIMARY KEY,
        import_id INTEGER NOT NULL REFERENCES import,
        path BLOB NOT NULL,          -- below the source's root
        fault TEXT NOT NULL DEFAULT '',
        not_understood INTEGER NOT NULL DEFAULT 0,      -- entries
        outside INTEGER NOT NULL DEFAULT 0,
        judged INTEGER NOT NULL DEFAULT 0,
        UNIQUE (import_id, path)
    ) STRICT;
    CREATE TABLE listed (
        import_id INTEGER NOT NULL REFERENCES import,
        key BLOB NOT NULL,           -- core.checksums.names.composed
        list_id INTEGER NOT NULL REFERENCES checksum_list,
        algorithm TEXT NOT NULL,
        digest BLOB NOT NULL,
        path BLOB NOT NULL,          -- below the source's root, as the list spells it
        found BLOB,                  -- what was read
        file_id INTEGER,
        exact INTEGER NOT NULL DEFAULT 0,               -- the file is spelled so, too
        PRIMARY KEY (import_id, key, list_id, algorithm, digest)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX listed_file ON listed (file_id) WHERE file_id IS NOT NULL;
    """,
    # Imports of one source into several archives (core.importing.following): `together` is the id of the first, as
    # their options say; an index makes it a column.
    """
    ALTER TABLE import ADD COLUMN together TEXT AS
        (CAST(iif(json_valid(options), coalesce(options ->> 'together', ''), '') AS TEXT)) VIRTUAL;
    CREATE INDEX import_together ON import (together) WHERE together != '';
    CREATE TABLE handed_on (         -- files that an import has settled, for the others of its group
        id INTEGER PRIMARY KEY,
        import_id INTEGER NOT NULL REFERENCES import,
        file_id INTEGER NOT NULL,
        facts BLOB                   -- core.workers.source_messages.SourceMetadata; NULL: it was not read
    ) STRICT;
    CREATE INDEX handed_on_import ON handed_on (import_id);
    CREATE TABLE elsewhere_item (    -- what an import of a group saw on the card that other imports had brought
        import_id INTEGER NOT NULL REFERENCES import,
        item_id INTEGER NOT NULL,
        PRIMARY KEY (import_id, item_id)
    ) STRICT, WITHOUT ROWID;
    """,
    # Hooks that are still to be told of an import's end (core.catalog.hook_outbox).
    """
    ALTER TABLE import ADD COLUMN announced INTEGER NOT NULL DEFAULT 1;     -- its end is in hook_outbox, or was
    UPDATE import SET announced = 0 WHERE state IN ('running', 'paused');
    CREATE INDEX import_announced ON import (name) WHERE announced = 0;
    CREATE TABLE hook_outbox (
        id INTEGER PRIMARY KEY,
        import TEXT NOT NULL,        -- its name: a rebuild gives its row another id
        hook TEXT NOT NULL           -- core.presets.Hook.key
    ) STRICT;
    """,
    # Mirrors that imports have asked for and that are not made yet (core.catalog.due_mirrors).
    """
    CREATE TABLE due_mirror (
        source BLOB NOT NULL,        -- the path of the archive then
        target BLOB NOT NULL,        -- as the configuration names it
        import TEXT NOT NULL,        -- the name of the last import that asked for it
        held INTEGER NOT NULL DEFAULT 0,                -- a person has paused it
        PRIMARY KEY (source, target)
    ) STRICT, WITHOUT ROWID;
    """,
    # Other copies hold an item under the path that it had when it was read there. When the path changes (by a
    # move, or because the content was archived anew beside a damaged file), they do not hold it until the next
    # mirror.
    """
    CREATE TRIGGER item_renamed AFTER UPDATE OF path ON item WHEN old.path != new.path BEGIN
        DELETE FROM copy_item WHERE item_id = new.id;
    END;
    """,
    # Damaged items are few, and asked for with each list of cards.
    """
    CREATE INDEX item_damaged ON item (damage) WHERE damage IS NOT NULL;
    """,
    # The notes beside the verdict of an import that waits for copies, which become its reason once it is SAFE.
    """
    ALTER TABLE import ADD COLUMN copied_reason TEXT NOT NULL DEFAULT '';
    """,
    # Statistics that engines left behind: see Database.close. Every statement has its plan without any.
    """
    DROP TABLE IF EXISTS sqlite_stat1;
    DROP TABLE IF EXISTS sqlite_stat4;
    """,
    # Places where an archive was before it was seen elsewhere: no new one is made there while its volume is away.
    """
    CREATE TABLE former_place (
        path BLOB NOT NULL,
        archive_id INTEGER NOT NULL REFERENCES archive,
        volume TEXT NOT NULL,        -- on which it lay there; empty: not known
        root BLOB NOT NULL,          -- on that volume
        PRIMARY KEY (path, archive_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER archive_elsewhere AFTER UPDATE OF path ON archive WHEN old.path != new.path BEGIN
        INSERT OR REPLACE INTO former_place VALUES (old.path, old.id, old.volume, old.root);
    END;
    CREATE TRIGGER copy_elsewhere AFTER UPDATE OF path ON copy WHEN old.path != new.path BEGIN
        INSERT OR REPLACE INTO former_place VALUES (old.path, old.archive_id, old.volume, old.root);
    END;
    """,
    # In place of OR REPLACE, which SQLite ignores in a trigger that an upsert has fired (lang_createtrigger):
    # an archive that left a place for the second time could not be opened any more.
    """
    DROP TRIGGER archive_elsewhere;
    DROP TRIGGER copy_elsewhere;
    CREATE TRIGGER archive_elsewhere AFTER UPDATE OF path ON archive WHEN old.path != new.path BEGIN
        INSERT INTO former_place VALUES (old.path, old.id, old.volume, old.root)
            ON CONFLICT DO UPDATE SET volume = excluded.volume, root = excluded.root;
    END;
    CREATE TRIGGER copy_elsewhere AFTER UPDATE OF path ON copy WHEN old.path != new.path BEGIN
        INSERT INTO former_place VALUES (old.path, old.archive_id, old.volume, old.root)
            ON CONFLICT DO UPDATE SET volume = excluded.volume, root = excluded.root;
    END;
    """,
)

FUNCTIONS: dict[str, Callable[[str], str | bytes | None]] = {
    "old_sort": old_reasons.sort,
    "old_target": old_reasons.target,
}
"""SQL functions of one argument that migrations call; the connection has to have them."""

SCHEMA_VERSION = len(MIGRATIONS)
"""The value of `PRAGMA user_version` in a database of this program."""

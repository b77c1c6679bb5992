"""The catalog's tables, as one list of migrations: each brings the database from its index to the next version."""

FILE = "lading.db"
"""The database's name in the state folder."""

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
        unclean INTEGER NOT NULL DEFAULT 0,     -- core.takeup
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
        stem BLOB NOT NULL,          -- core.cards.stem_key, below the source's root
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
    CREATE TABLE metadata (          -- what exiftool found: core.tasks.metadata.Metadata
        item_id INTEGER PRIMARY KEY REFERENCES item,
        captured REAL,               -- seconds since 1970; UTC as far as captured_zone says so
        captured_local TEXT,         -- the clock at the place: 2024-05-06T07:08:09.25
        offset INTEGER,              -- minutes east of UTC
        captured_tag TEXT,           -- where it was found: ExifIFD:DateTimeOriginal
        captured_zone TEXT,          -- recorded; utc, by the format's rule; '' not known, the clock taken for UTC
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
    CREATE TABLE probe (             -- what ffprobe found: core.tasks.probed.Probe
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
    # Searching (core.catalog.search). The index of names holds no names: only which trigram is in which file's.
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
        stage TEXT NOT NULL,         -- read, copy, flush, verify, publish
        attempts INTEGER NOT NULL
    ) STRICT;
    """,
    # How names are given in the archive (core.files.noreplace); empty where it is not known.
    "ALTER TABLE import ADD COLUMN way TEXT NOT NULL DEFAULT ''",
    # Told by camera or date, a file's kind is at hand (core.catalog.leads).
    """
    DROP INDEX file_item;
    CREATE INDEX file_item ON file (item_id, kind);
    """,
    # By its volume's identity and where on that it lies, an archive is found again (core.archives.whereabouts).
    """
    ALTER TABLE archive ADD COLUMN volume TEXT NOT NULL DEFAULT '';
    ALTER TABLE archive ADD COLUMN root BLOB NOT NULL DEFAULT x'';
    """,
    # Two archives can be mounted at one place in turn.
    "ALTER TABLE archive ADD COLUMN seen REAL NOT NULL DEFAULT 0",
)

VERSION = len(MIGRATIONS)
"""What `PRAGMA user_version` says of a database of this program."""

#!/bin/bash
# What only a Mac can show, by one command. It checks what it can by itself, asks about the rest, and writes one
# report to send back, without names, addresses and serials:
#
#   tests/faults/mac.sh                                all that needs neither a card nor a server
#   tests/faults/mac.sh --share //user@nas/share       also an archive on that share, in a new folder lading-test;
#                                                      the share is unmounted by force once, and mounted again
#   tests/faults/mac.sh --card /Volumes/EOS_DIGITAL    also a real card, which is only read
#   tests/faults/mac.sh --icloud FILE                  also a file that lies in iCloud only (Finder: Remove Download)
#   tests/faults/mac.sh --report FILE                  where the report goes; else lading-mac.txt
#
# It makes disk images of 2 GB in a temporary folder (APFS, exFAT, FAT32; they take up what is written to them) and
# removes them. For fs_usage(1) it needs sudo. Without a terminal it asks nothing and leaves out what needs a hand.
# Numbers are those of the table in the README. Kept to bash 3.2, which macOS ships.
set -u
[ "$(uname)" = Darwin ] || { echo "This shows what only a Mac can show." >&2; exit 2; }
cd "$(dirname "$0")/../.." || exit 2

share='' card='' icloud='' report=lading-mac.txt
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { echo "What does $1 say?" >&2; exit 2; }
    case $1 in
        --share) share=${2#smb:} ;;
        --card) card=${2%/} ;;
        --icloud) icloud=$2 ;;
        --report) report=$2 ;;
        *) echo "There is no $1." >&2; exit 2 ;;
    esac
    shift 2
done

[ -x .venv/bin/lading ] || make setup || exit 2
# A shell over SSH does not know Homebrew's folders, where exiftool and ffmpeg lie.
export PATH=$PATH:/opt/homebrew/bin:/usr/local/bin

# The tests run this on Linux, with programs that stand for Apple's, and volumes elsewhere.
volumes=${MAC_VOLUMES:-/Volumes}
work=$(cd "$(mktemp -d /tmp/lading-mac.XXXXXX)" && pwd -P)
raw=$work/report
export LADING_HOME=$work/home
apfs=$volumes/LADINGAPFS exfat=$volumes/LADINGEXFAT fat=$volumes/LADINGFAT two=$volumes/LADINGTWO
archive=$apfs/archive
passed=0 failed=0

say() { printf '%s\n' "$*" | tee -a "$raw"; }
step() { say "" && say "== $*"; }
lading() { "${MAC_LADING:-$PWD/.venv/bin/lading}" "$@"; }
py() { "${MAC_PYTHON:-$PWD/.venv/bin/python}" -m tests.faults.mac "$@"; }
tell() { tail -12 "$work/out" | sed 's/^/           /' | tee -a "$raw"; }
check() { # check ROW WHAT COMMAND…: passes when the command does
    row=$1 what=$2
    shift 2
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
        say "PASS  $row  $what"
    else
        failed=$((failed + 1))
        say "FAIL  $row  $what"
        tell
    fi
}
fact() { # fact ROW WHAT COMMAND…: what it prints is what is wanted
    say "FACT  $1  $2"
    shift 2
    "$@" >"$work/out" 2>&1
    tell
}
left_out() { say "LEFT  $*"; }
by_hand() { [ -t 0 ] && [ -t 1 ]; }
ask() { # ask ROW QUESTION
    printf '      %s [y/n] ' "$2"
    read -r answer </dev/tty
    case $answer in y*) check "$1" "$2" true ;; *) check "$1" "$2" false ;; esac
}

detach() { wait_for 20 hdiutil detach -quiet "$1"; } # Spotlight may hold a volume for a moment
image() { # image NAME FILESYSTEM
    hdiutil create -quiet -type SPARSE -size 2g -fs "$2" -volname "$1" "$work/$1" && attach "$1"
}
attach() { # attach NAME [OPTION…]
    name=$1
    shift
    hdiutil attach -quiet "$@" "$work/$name.sparseimage"
}
files() { # files FOLDER COUNT KIB
    mkdir -p "$1"
    i=0
    while [ $i -lt "$2" ]; do
        dd if=/dev/urandom of="$1/IMG_$i.JPG" bs=1024 count="$3" 2>/dev/null
        i=$((i + 1))
    done
}
bring() { # bring SOURCE LOCATION [ARCHIVE [OPTION…]]
    from=$1 where=$2 to=${3:-$archive}
    shift $(($# < 3 ? $# : 3))
    lading import "$from" --archive "$to" --location "$where" --quiet "$@"
}
newest() { lading imports --json | py newest "$@"; }
safe() { newest 'done' SAFE 0; }
imports_safely() { bring "$@" && safe; }
slowly() { # slowly SOURCE LOCATION [ARCHIVE]: begins an import that is in its middle for a while
    lading engine stop
    LADING_READ_LIMIT=20 lading import "$1" --archive "${3:-$archive}" --location "$2" --detach
    sleep 3
}
receipt() { lading receipt "$(safe | sed 's/.*; //')"; }
has_receipt() { receipt >"$work/receipt" && [ -s "$work/receipt" ]; } # what is not there does not say anything
device() { diskutil info -plist "$1" | py value "$2"; }
wait_for() { # wait_for SECONDS COMMAND…
    tries=$1
    shift
    while [ "$tries" -gt 0 ]; do
        "$@" && return 0
        sleep 1
        tries=$((tries - 1))
    done
    return 1
}
clean() {
    lading engine stop >/dev/null 2>&1
    for name in "$exfat" "$fat" "$apfs" "$two" "$exfat 1"; do
        [ -d "$name" ] && hdiutil detach -quiet -force "$name" 2>/dev/null
    done
    [ -d "$work/share" ] && umount "$work/share" 2>/dev/null
    say "" && say "$passed passed, $failed failed."
    server=${share#//}
    py blank "${card##*/}" "${server%%@*}" "${server#*@}" "$(scutil --get ComputerName 2>/dev/null)" \
        "$(scutil --get LocalHostName 2>/dev/null)" "${icloud##*/}" <"$raw" >"$report"
    rm -rf "$work"
    echo "The report: $report"
}
trap clean EXIT

step "The machine"
fact - "system" sw_vers -productVersion
fact - "processor" uname -m
names_macos() { lading doctor --json | py value system | grep -F "macOS $(sw_vers -productVersion) "; }
check 22 "doctor names macOS by its version" names_macos

step "Three file systems"
if ! { image LADINGAPFS APFS && image LADINGEXFAT ExFAT && image LADINGFAT "MS-DOS FAT32"; }; then
    failed=$((failed + 1))
    say "FAIL  -  disk images cannot be made"
    exit 1
fi
mount | grep LADING >"$work/mounts"
fact - "how they are mounted" cat "$work/mounts"
for where in "$apfs" "$exfat" "$fat"; do
    echo x >"$where/flushed"
    fact 4 "F_FULLFSYNC of a file on ${where##*/}" py flush "$where/flushed"
    fact 18 "F_FULLFSYNC of a folder on ${where##*/}" py flush "$where"
    rm "$where/flushed"
done
touch "$fat/empty"
fact 3 "the numbers of an empty file on FAT" py inodes "$fat/empty"
rm "$fat/empty"
touch "$exfat/p" && "${MAC_PYTHON:-$PWD/.venv/bin/python}" -c 'import sys; open(sys.argv[1], "w")' "$exfat/q"
fact 8 "AppleDouble files beside new ones on exFAT" ls -A "$exfat"
rm -f "$exfat/p" "$exfat/q" "$exfat/._p" "$exfat/._q"
fact 20 "RLIMIT_AS of 4 GiB" py limit

step "Cards"
files "$exfat/DCIM/100" 60 2048
files "$fat/DCIM/100" 20 512
touch "$fat/DCIM/100/.nomedia" "$fat/DCIM/100/EMPTY.THM"
check 3 "a FAT card with empty files is SAFE" imports_safely "$fat" Fat
check - "an exFAT card into an archive on APFS is SAFE" imports_safely "$exfat" Card
medium() { receipt | grep 'read back from the medium'; }
no_medium() { has_receipt && ! grep -q 'read back from the medium' "$work/receipt"; }
proven() { receipt | sed -n '/^What was proven/,/^Verdict/p'; }
check 4 "read back from the medium" medium
fact - "what was proven" proven
ls -laR "$exfat" >"$work/before" 2>/dev/null
detach "$exfat" && attach LADINGEXFAT -readonly
check - "a read-only card is imported" imports_safely "$exfat" Card
ls -laR "$exfat" 2>/dev/null | diff - "$work/before" >"$work/changed"
fact - "what macOS and Lading changed on the card until then" cat "$work/changed"
detach "$exfat" && attach LADINGEXFAT

check 4 "an archive on exFAT is SAFE" imports_safely "$fat/DCIM" Fat "$exfat/archive"
check 4 "it does not claim the medium where a drive may refuse its flush" no_medium
lading engine stop >/dev/null
rm -rf "$exfat/archive"

step "Where a path lies"
lower() { printf '%s' "$1" | tr '[:upper:]' '[:lower:]'; }
other_case=$(lower "$exfat")
# Of what doctor says only this: it names all volumes of the machine.
where() { lading doctor --json "$1" | py archive; }
inside() { has_receipt && ! grep -q '^ *folder .*\.\./' "$work/receipt"; }
known() { imports_safely "$@" && receipt | grep -q '^  duplicate  *60 '; }
if [ -d "$other_case" ]; then
    check 1 "a card under a name in other case is known again" known "$other_case" Card
    check 1 "its receipt has no ../" inside
    fact 1 "doctor of an archive in other case" where "$(lower "$archive")"
else
    left_out "1  names with other case are other names here"
fi
files "$work/scans" 3 100
check 12 "a folder of the Data volume" imports_safely "$work/scans" Scans
check 12 "its receipt has no ../" inside
identity() { lading doctor --json | py volume "$exfat" identity removable; }
same_identity() { identity >"$work/one" && PATH=/usr/bin:/bin identity >"$work/other" && cmp "$work/one" "$work/other"; }
check 7 "a card is the same where /usr/sbin is not on the PATH" same_identity
fact 7 "what it is" identity

step "A volume that is not browsed"
detach "$exfat" && attach LADINGEXFAT -nobrowse
files "$exfat/DCIM/101" 40 2048
goes_on() {
    lading engine stop
    lading resume
    wait_for 60 safe
}
slowly "$exfat" Card >/dev/null
check 2 "an import from it goes on with another engine" goes_on
detach "$exfat" && attach LADINGEXFAT

step "A card that is put in"
detach "$exfat" && detach "$fat"
check 23 "the kernel tells of a mount" py announced hdiutil attach -quiet "$work/LADINGFAT.sparseimage"
"${MAC_LADING:-$PWD/.venv/bin/lading}" watch --json >"$work/watched" 2>/dev/null &
watching=$!
told() { py told "$1" "$2" <"$work/watched"; } # told NAME TIMES
check 23 "a card that lies there is told" wait_for 60 told LADINGFAT 1
attach LADINGEXFAT
check 23 "one that is put in is told, and counted" wait_for 60 told LADINGEXFAT 1
files "$exfat/DCIM/103" 5 100
cat >"$LADING_HOME/config.toml" <<END
[presets.mac]
archive = "$archive"
location = "Rule"
[[auto]]
label = "LADINGEXFAT"
preset = "mac"
END
detach "$exfat" && sleep 5
attach LADINGEXFAT
by_rule() { newest 'done' SAFE 0 Rule; }
check 23 "put in again, it is imported by a rule" wait_for 120 by_rule
rm "$LADING_HOME/config.toml"
lading engine stop >/dev/null
wait "$watching"

step "The calls that flush (fs_usage)"
if sudo -n true 2>/dev/null || { by_hand && sudo -v; }; then
    files "$work/more" 40 512
    # Without the engine, whose SQLite flushes, too: what is left of Python are the workers.
    bring "$work/scans" Scans >/dev/null # starts the engine
    engine=$(lading engine status --json | py value pid)
    # shellcheck disable=SC2024 # the file is ours
    sudo fs_usage -w -f filesys -e "$engine" >"$work/usage" 2>/dev/null &
    usage=$!
    sleep 2
    bring "$work/more" More >/dev/null
    sleep 2
    sudo kill "$usage" 2>/dev/null
    # fs_usage.c (system_cmds): TIME  fcntl  F=5  <FULLFSYNC>  …  PROCESS.THREAD
    grep -E '(FULLFSYNC|CACHING OFF).*[Pp]ython' "$work/usage" >"$work/workers"
    awk '{print $4}' "$work/workers" | sort | uniq -c >"$work/calls"
    fact 15 "calls of the workers in one import" cat "$work/calls"
    full() { [ "$(grep -c FULLFSYNC "$work/workers")" -ge 2 ]; }
    check 15 "full flushes, before and after publishing" full
    check 15 "F_NOCACHE where it is read back" grep -q 'CACHING OFF' "$work/workers"
else
    left_out "15  fs_usage needs sudo"
fi

step "What is in memory is not the medium"
payload=$(find "$archive/locations" -path '*/data/*' -type f -size +1000k | head -1)
cat "$payload" >/dev/null
fact 6 "an archived file after cat" py resident "$payload"
lading audit --archive "$archive" >"$work/audited" 2>&1
fact 6 "an audit then" cat "$work/audited"
fact 6 "that file after the audit" py resident "$payload"
# The audit frees its pages, and what is read with F_NOCACHE adds none.
from_medium() { py resident "$payload" | grep '^0 %' && grep 'read back from the medium' "$work/audited"; }
check 6 "it was read from the medium, and nothing of it is in memory" from_medium

step "An archive that is unmounted by force"
files "$work/large" 6 40960
slowly "$work/large" Large >/dev/null
gone=$(device "$apfs" DeviceIdentifier)
diskutil unmount force "$apfs" >/dev/null
waits() { newest paused '' 0; }
check 10 "one pause, and no file has failed" wait_for 60 waits
check 10 "no folder is left where it was" test ! -e "$archive"
diskutil mount "$gone" >/dev/null
goes_on_by_itself() { wait_for 90 safe; }
check 10 "it goes on by itself, SAFE" goes_on_by_itself

step "Pause, sleep, eject"
files "$exfat/DCIM/102" 120 2048
slowly "$exfat" Card >/dev/null
awake() { pmset -g assertions | grep -q '(caffeinate)'; } # the line of sums is there with a 0, too
check - "the Mac stays awake while it works" awake
lading pause >/dev/null 2>&1
sleep 1
check - "a paused import lets go of its card" detach "$exfat"
attach LADINGEXFAT
lading resume >/dev/null 2>&1
check - "and goes on with it" wait_for 120 safe
diskutil apfs addVolume "$(device "$apfs" ParentWholeDisk)" APFS LADINGTWO >/dev/null
fact 17 "the disks of an APFS volume" device "$two" APFSPhysicalStores
files "$two/DCIM" 2 100
check 17 "a card is not ejected with the archive on its other volume" py eject "$two/DCIM" "$archive"

step "Finder and bags"
bag=$(ls -d "$archive"/locations/scans-* 2>/dev/null | head -1)
printf 'x' >"$bag/data/.DS_Store"
beside=$(find "$bag/data" -type f ! -name '.*' | head -1)
double=${beside%/*}/._${beside##*/}
# RFC 1740: the magic number, version 2, 16 bytes of filler, no entries.
{ printf '\000\005\026\007\000\002\000\000' && dd if=/dev/zero bs=1 count=18 2>/dev/null; } >"$double"
files "$work/scans" 5 100
check 8 "an import into a bag that Finder looked at" imports_safely "$work/scans" Scans
names_all() { [ "$(grep -c . "$bag/manifest-sha256.txt")" = 8 ]; }
check 8 "the manifest names its 8 files" wait_for 60 names_all
no_litter() { [ -s "$bag/manifest-sha256.txt" ] && ! grep -E '/(\._|\.DS_Store)' "$bag/manifest-sha256.txt"; }
check 8 "it names no .DS_Store and no ._NAME" no_litter
takes_none() { test -e "$double" && [ "$(lading rebuild "$archive" --json | py value unrecorded_count)" = 0 ]; }
check 8 "rebuild takes neither for a file" takes_none
tidies() { lading tidy "$archive" && [ ! -e "$double" ] && [ ! -e "$bag/data/.DS_Store" ] && [ -e "$beside" ]; }
check 8 "tidy removes both, and nothing else" tidies
mkdir "$work/forks" && echo x >"$work/forks/old.jpg"
dd if=/dev/zero of="$work/forks/old.jpg/..namedfork/rsrc" bs=1024 count=100 2>/dev/null
check 16 "a file with a resource fork of 100 kB is SAFE" imports_safely "$work/forks" Forks
keeps_fork() { cat "$archive"/.lading/imports/*.jsonl | py attribute com.apple.ResourceFork 102400; }
check 16 "its fork is kept whole" keeps_fork

step "launchd and iCloud"
lading engine plist >"$work/engine.plist" 2>"$work/told"
lading audit --archive "$archive" --plist >"$work/audit.plist" 2>/dev/null
check 13 "the program to be granted is named" grep -q 'Full Disk Access for the program' "$work/told"
check 11 "the files for launchd are sound" plutil -lint "$work/engine.plist" "$work/audit.plist"
kind() { py value ProcessType <"$work/audit.plist" | grep -v Background; }
check 11 "an audit is no background process" kind
fact 9 "the policy for iCloud here" py policy
for key in '' MaterializeDatalessFiles; do
    # shellcheck disable=SC2086
    py job lading.probe "$work/job.out" $key >"$work/job.plist"
    launchctl bootstrap "gui/$(id -u)" "$work/job.plist" 2>/dev/null ||
        launchctl bootstrap "user/$(id -u)" "$work/job.plist" 2>/dev/null
    wait_for 20 test -s "$work/job.out"
    fact 9 "the policy in a job of launchd ${key:+with $key}" cat "$work/job.out"
    launchctl bootout "gui/$(id -u)/lading.probe" 2>/dev/null ||
        launchctl bootout "user/$(id -u)/lading.probe" 2>/dev/null
    rm -f "$work/job.out"
done
if [ -n "$icloud" ]; then
    stays_out() { bring "$icloud" Cloud; newest 'done' KEEP 0; }
    check 9 "what is in iCloud only stays out unasked" stays_out
    fact 9 "and the import says" newest 'done' KEEP 0
    check 9 "asked for it is fetched" imports_safely "$icloud" Cloud "$archive" --icloud
else
    left_out "9  a file in iCloud: --icloud FILE"
fi

step "Two readers, a clone of one card"
detach "$exfat"
cp "$work/LADINGEXFAT.sparseimage" "$work/CLONE.sparseimage"
attach LADINGEXFAT
attach CLONE
clones() { lading doctor | grep -A1 LADINGEXFAT; }
fact - "two volumes of one UUID" clones
hdiutil detach -quiet "$exfat 1" 2>/dev/null

if [ -n "$card" ]; then
    step "A real card"
    facts() {
        diskutil info -plist "$card" | py value Internal
        lading doctor --json | py volume "$card" filesystem removable read_only
    }
    fact - "internal; as doctor has it" facts
    fact - "what would be imported" lading import "$card" --archive "$archive" --location Real --dry-run
    if by_hand; then
        lading engine stop >/dev/null
        LADING_READ_LIMIT=20 lading import "$card" --archive "$archive" --location Real --detach
        printf '      Pull the card out without ejecting it, then press Return. '
        read -r _ </dev/tty
        check 10 "one pause, and no file has failed" wait_for 60 waits
        printf '      Put it in again, then press Return. '
        read -r _ </dev/tty
        went_on() { sleep 15 && lading status | grep -v 'any more'; }
        check 10 "it goes on by itself" went_on
        lading cancel "$(lading imports --json | py newest running '' 0 | sed 's/.*; //')" >/dev/null 2>&1
    fi
else
    left_out "a real card: --card /Volumes/NAME"
fi

if [ -n "$share" ]; then
    step "A share as macOS mounts it"
    mkdir "$work/share"
    if mount_smbfs "$share" "$work/share"; then
        echo x >"$work/share/lading-flushed"
        fact 4 "F_FULLFSYNC of a file" py flush "$work/share/lading-flushed"
        fact 18 "F_FULLFSYNC of a folder" py flush "$work/share"
        rm "$work/share/lading-flushed"
        check 18 "an archive on it is SAFE" imports_safely "$work/scans" Share "$work/share/lading-test"
        is_network() { where "$work/SHARE/lading-test" | grep 'kind network'; }
        [ -d "$work/SHARE" ] && check 1 "it is a network's in other case" is_network
        server_level() { receipt | grep -q 'read back from the server'; }
        check 6 "read back from the server" server_level
        fact 8 "AppleDouble files in it" find "$work/share/lading-test" -name '._*'
        slowly "$work/large" Share "$work/share/lading-test" >/dev/null
        umount -f "$work/share"
        check 19 "unmounted by force: one pause, and no file has failed" wait_for 120 waits
        advised() { lading imports --json | py advice "mount it in the Finder"; }
        check 19 "its advice is to mount the share in the Finder" advised
        mount_smbfs "$share" "$work/share"
        check 19 "mounted again: it goes on by itself, SAFE" wait_for 180 safe
        if by_hand; then
            say "      Begin an import there from another terminal, pull the network's cable, plug it in again."
            ask 19 "Did the screen and Ctrl-C answer at once, and did the import go on?"
        fi
        say "      The folder lading-test is left on the share for you to look at and remove."
    else
        check - "the share is mounted" false
    fi
else
    left_out "19  a share: --share //user@server/share"
fi

if by_hand; then
    step "Rights"
    say "      System Settings > General > Sharing > Remote Login > (i): full disk access for remote users off."
    say "      Then over ssh to this Mac: lading import ~/Pictures --archive $work/archive --location Privacy"
    ask 5 "Is it refused in words that name what to switch on, without a hang?"
    say "      Begin a long import over ssh, end the session, wait ten minutes: lading status"
    ask 5 "Does it still read, or is it one pause that names what to switch on?"
else
    left_out "5  rights of a session over SSH: needs a hand"
fi
left_out "14  nothing to check: whether macOS lets a program wait for a click is seen when it asks for the first time"
left_out "21  nothing to check: that nothing is read ahead with F_NOCACHE costs time only"
[ "$failed" = 0 ]

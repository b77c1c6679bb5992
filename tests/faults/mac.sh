#!/bin/bash
# What only a Mac can show: run it by hand in Terminal, in the project's folder, and compare what you see with the
# lines that begin with "look for". Written from manual pages; it has not been run yet. It makes two disk images of
# its own in a temporary folder and removes them; your disks, cards and shares are only read, and only where you
# name them.
#
#   tests/faults/mac.sh                          everything that needs no second machine
#   tests/faults/mac.sh smb://user@nas/share     also the share, mounted as macOS does it
#
# Kept to bash 3.2.
set -u
[ "$(uname)" = Darwin ] || { echo "This shows what only a Mac can show." >&2; exit 2; }
cd "$(dirname "$0")/../.." || exit 2
share=${1:-}

work=$(mktemp -d /tmp/lading-mac.XXXXXX)
export LADING_HOME=$work/home
asked=0 seen=0

step() { printf '\n== %s\n' "$*"; }
look() { printf '   look for: %s\n' "$*"; }
ask() {
    asked=$((asked + 1))
    printf '   Is that so? [y/n] '
    read -r answer </dev/tty
    case $answer in y*) seen=$((seen + 1)) ;; *) printf '   NOT SHOWN: %s\n' "$*" | tee -a "$work/not-shown" ;; esac
}
lading() { uv run --no-sync lading "$@"; }
image() { # image NAME FILESYSTEM: a disk image, attached at /Volumes/NAME
    hdiutil create -quiet -size 200m -fs "$2" -volname "$1" "$work/$1.dmg" && hdiutil attach -quiet "$work/$1.dmg"
}
card() { # card FOLDER COUNT KIB
    mkdir -p "$1"
    i=0
    while [ $i -lt "$2" ]; do
        dd if=/dev/urandom of="$1/IMG_$i.JPG" bs=1024 count="$3" 2>/dev/null
        i=$((i + 1))
    done
}
clean() {
    lading engine stop >/dev/null 2>&1
    hdiutil detach -quiet -force /Volumes/LADINGCARD 2>/dev/null
    hdiutil detach -quiet -force /Volumes/LADINGDISK 2>/dev/null
    [ -s "$work/not-shown" ] && { echo; echo "Not shown:"; cat "$work/not-shown"; }
    rm -rf "$work"
    echo "$seen of $asked shown."
}
trap clean EXIT

step "1. An exFAT card as macOS mounts it, an APFS archive"
image LADINGCARD ExFAT && image LADINGDISK APFS || exit 1
card /Volumes/LADINGCARD/DCIM/100 60 2048
lading doctor /Volumes/LADINGDISK/archive
look "the card as exfat and removable or external, the archive as apfs, local, publishing by rename (diskutil(8))"
ask "doctor names the volumes"

step "2. An import, and its receipt"
lading import /Volumes/LADINGCARD --archive /Volumes/LADINGDISK/archive --location Mac
lading imports
look "SAFE; in the receipt 'read back from the medium' and 'the file system itself refuses to replace a name'"
find /Volumes/LADINGDISK/archive/locations -name '*.txt' -path '*/lading/*' -exec sed -n '1,45p' {} \;
ask "the import is SAFE, read back from the medium"

step "3. Nothing was written to the card (volume mounted read-only)"
hdiutil detach -quiet /Volumes/LADINGCARD && hdiutil attach -quiet -readonly "$work/LADINGCARD.dmg"
lading import /Volumes/LADINGCARD --archive /Volumes/LADINGDISK/archive --location Mac
look "60 duplicates, SAFE, no complaint of a read-only file system; no ._ files and no .Spotlight made by us"
ask "a read-only card is imported"

step "4. F_FULLFSYNC reaches the drive (fsync(2), fcntl(2)); asks for your password: fs_usage(1) needs root"
card "$work/more" 40 512
sudo -v
sudo fs_usage -w -f filesys >"$work/usage" 2>/dev/null &
usage=$!
sleep 2
lading import "$work/more" --archive /Volumes/LADINGDISK/archive --location Mac
sleep 2
sudo kill "$usage" 2>/dev/null
grep -E 'F_FULLFSYNC|fcntl.*(51|FULLFSYNC)|F_NOCACHE' "$work/usage" | awk '{print $2, $3}' | sort | uniq -c | head
look "F_FULLFSYNC (51) at least twice for each batch, F_NOCACHE (48) for what is read back; no error behind them"
ask "full flushes happen"

step "5. Eject in the middle: a pause of this import, and it goes on (diskutil(8))"
card "$work/large" 4 102400
hdiutil detach -quiet /Volumes/LADINGCARD && hdiutil attach -quiet "$work/LADINGCARD.dmg"
lading import --detach "$work/large" --archive /Volumes/LADINGDISK/archive --location Mac
sleep 1
diskutil unmount force /Volumes/LADINGDISK
sleep 3
lading status
look "one paused import, 'does not answer any more'; not a list of failed files"
ls -la /Volumes | grep LADINGDISK
look "no folder /Volumes/LADINGDISK on the boot disk"
diskutil mount LADINGDISK || hdiutil attach -quiet "$work/LADINGDISK.dmg"
lading resume
sleep 5
lading imports
look "SAFE"
ask "an unmounted archive is one pause, and nothing lands below"

step "6. A paused import lets go of the card"
lading import --detach /Volumes/LADINGCARD --archive /Volumes/LADINGDISK/archive --location "Mac again"
lading pause
diskutil eject /Volumes/LADINGCARD
look "'ejected' at once, and not 'could not be unmounted: in use by process … python'"
ask "a paused card can be ejected"

step "7. The Mac stays awake while it works (caffeinate(8), pmset(1))"
hdiutil attach -quiet "$work/LADINGCARD.dmg"
card "$work/awake" 4 204800
lading import --detach "$work/awake" --archive /Volumes/LADINGDISK/archive --location Awake
sleep 1
pmset -g assertions | grep -i -E 'caffeinate|PreventUserIdleSystemSleep'
look "an assertion of caffeinate while the import runs; run 'pmset -g assertions' again a minute later: none"
ask "sleep is held off, and only as long as there is work"

step "8. Privacy (TCC): a session over SSH"
look "System Settings > Privacy & Security > Full Disk Access: sshd-keygen-wrapper off; then, over ssh to this Mac:"
echo "     lading import ~/Pictures --archive $work/archive --location Privacy"
look "a clear 'Operation not permitted' that names Full Disk Access, no hang, nothing half there; with access on: SAFE"
ask "privacy is refused in words"

step "9. The card reader itself: put in a real card, start an import, pull it out without ejecting"
look "one pause, with the card's name; put it in again: 'lading resume' (or by itself) goes on, SAFE in the end"
ask "a pulled card is one pause"

step "10. Two readers, a clone of one card: both have one volume UUID"
look "the second one is told apart, or the receipt says that it cannot be (diskutil info, VolumeUUID)"
ask "cloned cards"

if [ -n "$share" ]; then
    step "11. An archive on a share, mounted by macOS (mount_smbfs(8), nsmb.conf(5))"
    mkdir -p "$work/share" && mount_smbfs "//${share#smb://}" "$work/share" || exit 1
    lading doctor "$work/share/lading-test"
    look "smbfs, network, starting with 4 copies at once"
    lading import "$work/more" --archive "$work/share/lading-test" --location Share
    find "$work/share/lading-test/locations" -name '*.txt' -path '*/lading/*' -exec grep -A4 'What was proven' {} \;
    look "'read back from the server'; no ._ files in the archive: find $work/share/lading-test -name '._*'"
    find "$work/share/lading-test" -name '._*' | head
    ask "the share is a server's, and clean"
    look "pull the network cable during an import: the screen and Ctrl-C answer at once, the import pauses;"
    look "plug it in: it goes on, SAFE"
    ask "a lost share is one pause"
    umount "$work/share"
    echo "   The folder lading-test is left on the share for you to look at and remove."
fi

"""The sockets of a process and its descendants, from Linux's /proc."""
import os
import re
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENS, BOUND, ACCEPTS = "0A", "07", 0x10000  # states of TCP and UDP sockets, flag of UNIX ones; see proc(5)


def tree(pid):
    """Process ids of a process and its descendants."""
    parents = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):  # when it has ended
                # The name of a program stands in brackets and may hold any character.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found, last = set(), {pid} & parents.keys()
    while last:
        found |= last
        last = {child for child, parent in parents.items() if parent in last}
    return found


def sockets(pid):
    """Inodes of the sockets that a process has open."""
    found = set()
    with suppress(OSError):  # when it has ended
        for entry in (PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError):  # when it was closed meanwhile
                match = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
                found |= {match[1]} if match else set()
    return found


def open_doors(pid):
    """Every socket of the process at which others can knock, as text."""
    mine, found = sockets(pid), []
    for kind in ("tcp", "tcp6", "udp", "udp6", "unix"):
        try:
            lines = (PROC / str(pid) / "net" / kind).read_text().splitlines()[1:]
        except OSError:
            continue  # it has ended, or this machine has no IPv6
        for line in lines:
            fields = line.split()
            if kind == "unix":
                door, inode, name = int(fields[3], 16) & ACCEPTS, fields[6], " ".join(fields[7:])
            else:
                door, inode, name = fields[3] == (LISTENS if kind.startswith("tcp") else BOUND), fields[9], fields[1]
            if door and inode in mine:
                found.append(f"process {pid}: {kind} {name}")
    return found

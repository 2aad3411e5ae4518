"""A port on this machine for the commands that serve a page: what may be given, and what is said where it cannot be had."""
import argparse
import errno
import os

ACCEPTED = "a whole number from 0, any that is free, to 65535"


def chosen(parser: argparse.ArgumentParser, text: str) -> int:
    """Return the number that --port was given as; the parser ends the command where it is none."""
    if not (text.isascii() and text.isdecimal()) or int(text) > 65535:
        parser.error(f"--port: got {text!r}, accepted: {ACCEPTED}")
    return int(text)


class NoPort(Exception):
    """A port is in use, or not for this user."""


def refused(port: int, error: OSError) -> NoPort:
    """Return what to raise where a port cannot be listened at; libraries put words of their own into `error`."""
    why = ("which another program uses" if error.errno == errno.EADDRINUSE else
           f"which cannot be had: {os.strerror(error.errno) if error.errno else error}")
    return NoPort(f"--port: got {port}, {why}, accepted: another one, or 0 for any that is free")

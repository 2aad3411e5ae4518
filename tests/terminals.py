"""What a process writes to a pseudo-terminal."""


def all_of(ours):
    """Read from our end of a pseudo-terminal until the other one is closed; returns bytes and closes it."""
    text = b""
    with open(ours, "rb", buffering=0) as terminal:
        try:
            while piece := terminal.read(1000):
                text += piece
        except OSError:  # Linux says so when the other end is closed
            pass
    return text

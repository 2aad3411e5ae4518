"""Files that travel with the package, checked before they are used."""
import gzip
import hashlib
from importlib import resources


def read_embedded(name: str, sha256: str) -> bytes:
    """Return the unpacked bytes of an embedded .gz file; raise ValueError if the file is not the one that was embedded."""
    packed = resources.files("experiments.data").joinpath(name).read_bytes()
    found = hashlib.sha256(packed).hexdigest()
    if found != sha256:
        raise ValueError(f"{name}: got sha256 {found}, accepted: {sha256} (the file is damaged: install again)")
    return gzip.decompress(packed)

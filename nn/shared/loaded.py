"""When this process loaded the package: a source edited later is not the code that runs (see nn/cpu/compile.py)."""
import time

LOADED_AT = time.time()

"""The functions of nn/reference again, compiled by Numba: same names, same arguments."""

"""The functions of nn/reference for a GPU: same names, same arguments, arrays on the device."""

"""The functions of nn/reference a third time, for a GPU: same names, same arguments, arrays on the device."""

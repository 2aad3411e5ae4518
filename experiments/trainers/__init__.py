"""How runs are trained: data, network, loss, optimizer, schedule, and what is measured."""

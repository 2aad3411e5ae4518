"""The parts of the speed experiment: workloads, contenders, and a harness that times them in turns."""

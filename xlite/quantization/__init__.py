"""What :mod:`xlite.quantizers` is made of: how a step gets a gradient, and the quantizers by family."""

"""What networks cost on microcontrollers, counted on emulated boards: ``python -m benchmarks.mcu``."""

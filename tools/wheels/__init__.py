"""``make wheels``: a wheel for each machine that xlite's C library is cross-compiled for, and one without it.

``targets`` says which machines, ``cross`` compiles for them, ``elf`` reads what came out, ``pack`` writes wheels.
"""

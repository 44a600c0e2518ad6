"""The C library as a package for Arduino, PlatformIO, ESP-IDF, Zephyr and CMake: python -m tools.packages"""

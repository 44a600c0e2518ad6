"""What each build system wants to know about the library. One folder serves them all: each has its own files."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tools.packages.library import SOURCE
from xlite.schema.version import __version__

SENTENCE = "Binarized neural networks, run with XNOR and popcount in a few KiB of RAM."
PARAGRAPH = (
    "Runs Keras networks with binary weights and activations, packed by xlite: .xlite files in place from flash, "
    "or C that 'xlite compile' made. C99, no heap, no static memory."
)
# Cores of 32 bits: int has 16 on the others.
_ARDUINO = (
    "esp32, esp8266, mbed, mbed_giga, mbed_nano, mbed_nicla, mbed_opta, mbed_portenta, mbed_rp2040, nrf52, "
    "renesas, renesas_portenta, renesas_uno, rp2040, sam, samd, stm32, teensy, zephyr"
)
_FLAGS = "-ffp-contract=off"


def metadata_files(paths: Sequence[str]) -> dict[str, str]:
    """paths: of the library's sources."""
    sources = sorted(path for path in paths if path.endswith(".c"))
    return {
        "library.properties": _arduino(),
        "library.json": _platformio(),
        "idf_component.yml": _esp_idf(),
        "CMakeLists.txt": _cmake(sources),
        "xliteConfig.cmake.in": _CONFIG,
        "zephyr/module.yml": "name: xlite\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n",
        "zephyr/Kconfig": _KCONFIG,
        "zephyr/CMakeLists.txt": _zephyr(sources),
        "keywords.txt": "xlite\tKEYWORD1\nxl_model_open\tKEYWORD2\nxl_model_invoke\tKEYWORD2\n",
        "README.md": _README,
    }


def _arduino() -> str:
    fields = {
        "name": "xlite",
        "version": __version__,
        "author": "the xlite authors",
        "maintainer": "the xlite authors",
        "sentence": SENTENCE,
        "paragraph": PARAGRAPH,
        "category": "Data Processing",
        "url": "https://pypi.org/project/xlite/",
        "architectures": _ARDUINO.replace(" ", ""),
        "includes": "xlite.h",
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items())


def _platformio() -> str:
    found = {
        "name": "xlite",
        "version": __version__,
        "description": SENTENCE,
        "keywords": ["neural network", "binarized", "machine learning", "microcontroller"],
        "license": "Apache-2.0",
        "frameworks": "*",
        "platforms": "*",
        "headers": "xlite.h",
        "build": {"srcDir": SOURCE, "includeDir": SOURCE, "flags": [_FLAGS, "-DXL_SMALL=1"]},
        "examples": [{"name": "demo", "base": "examples/demo", "files": ["demo.ino", "fashion.c", "fashion.h"]}],
    }
    return json.dumps(found, indent=2) + "\n"


def _esp_idf() -> str:
    return (
        f'version: "{__version__}"\ndescription: {SENTENCE}\nlicense: Apache-2.0\n'
        'url: https://pypi.org/project/xlite/\ndependencies:\n  idf: ">=4.4"\n'
    )


def _cmake(sources: Sequence[str]) -> str:
    listed = "\n".join(f"  {path}" for path in sources)
    return f"""# The C library of xlite, {__version__}: a component where ESP-IDF reads this, else a CMake package.
cmake_minimum_required(VERSION 3.13)

set(XLITE_SOURCES
{listed}
)

if(ESP_PLATFORM)
  idf_component_register(SRCS ${{XLITE_SOURCES}} INCLUDE_DIRS {SOURCE})
  target_compile_options(${{COMPONENT_LIB}} PRIVATE {_FLAGS})
  return()
endif()

project(xlite VERSION {__version__} LANGUAGES C)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
option(XLITE_SMALL "Code that is small before it is fast" OFF)

add_library(xlite STATIC ${{XLITE_SOURCES}})
add_library(xlite::xlite ALIAS xlite)
target_include_directories(xlite PUBLIC
  $<BUILD_INTERFACE:${{CMAKE_CURRENT_SOURCE_DIR}}/{SOURCE}>
  $<INSTALL_INTERFACE:${{CMAKE_INSTALL_INCLUDEDIR}}>)
set_target_properties(xlite PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  # products and sums are rounded one by one, so that every machine gives the same
  target_compile_options(xlite PRIVATE {_FLAGS} -ffunction-sections -fdata-sections)
endif()
if(XLITE_SMALL)
  target_compile_definitions(xlite PRIVATE XL_SMALL=1)
endif()
if(NOT MSVC)
  target_link_libraries(xlite PUBLIC m)
endif()

install(TARGETS xlite EXPORT xliteTargets ARCHIVE DESTINATION ${{CMAKE_INSTALL_LIBDIR}})
install(FILES {SOURCE}/xlite.h DESTINATION ${{CMAKE_INSTALL_INCLUDEDIR}})
install(EXPORT xliteTargets NAMESPACE xlite:: DESTINATION ${{CMAKE_INSTALL_LIBDIR}}/cmake/xlite)
configure_package_config_file(xliteConfig.cmake.in ${{CMAKE_CURRENT_BINARY_DIR}}/xliteConfig.cmake
  INSTALL_DESTINATION ${{CMAKE_INSTALL_LIBDIR}}/cmake/xlite)
write_basic_package_version_file(${{CMAKE_CURRENT_BINARY_DIR}}/xliteConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${{CMAKE_CURRENT_BINARY_DIR}}/xliteConfig.cmake
  ${{CMAKE_CURRENT_BINARY_DIR}}/xliteConfigVersion.cmake DESTINATION ${{CMAKE_INSTALL_LIBDIR}}/cmake/xlite)
"""


def _zephyr(sources: Sequence[str]) -> str:
    listed = "\n".join(f"    ../{path}" for path in sources)
    return f"""if(CONFIG_XLITE)
  zephyr_library_named(xlite)
  zephyr_library_sources(
{listed}
  )
  zephyr_include_directories(../{SOURCE})
  zephyr_library_compile_options({_FLAGS})
endif()
"""


_CONFIG = """@PACKAGE_INIT@
include("${CMAKE_CURRENT_LIST_DIR}/xliteTargets.cmake")
check_required_components(xlite)
"""

_KCONFIG = """config XLITE
\tbool "xlite: binarized neural networks"
\thelp
\t  Runs networks with binary weights and activations: .xlite files in place
\t  from flash, or C that "xlite compile" made.
"""

_README = f"""# xlite {__version__}: the C library

{PARAGRAPH}

One folder for five build systems:

| system | how |
|---|---|
| Arduino | Sketch, Include Library, Add .ZIP Library; then File, Examples, xlite, demo |
| PlatformIO | copy the folder to `lib/xlite`, or name it in `lib_deps` |
| ESP-IDF | copy the folder to `components/xlite` |
| Zephyr | name the folder in `EXTRA_ZEPHYR_MODULES` and set `CONFIG_XLITE=y` |
| CMake | `cmake -B build && cmake --install build`, then `find_package(xlite)` and `xlite::xlite` |

`src/xlite.h` is what programs include; its comments are the manual. Unused kernels are dropped by the linker
(`-ffunction-sections -Wl,--gc-sections`). On Arduino, which takes no options of a library, floats may differ from
other machines in the last digit: its compilers fuse products and sums.
"""

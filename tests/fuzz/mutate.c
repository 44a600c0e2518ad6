/* Changes to a file that know a little of its form: numbers stand at multiples of their size, and what rules look at is
 * in front of the weights. */
#include <string.h>

#include "target.h"

static const uint32_t EDGES[] = {0,     1,     2,          3,          4,          5,          6,          7,
                                 8,     16,    31,         32,         33,         64,         127,        128,
                                 255,   256,   32767,      32768,      65535,      65536,      65537,      1u << 24,
                                 ~0u,   ~1u,   0x7fffffff, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0x7fc00000,
                                 ~15u,  ~3u,   0x40000000, 0x00ffffff, 0x01000000, 0x43000000, 0x43800000, 12};

static uint32_t next(uint32_t *random) {
  uint32_t x = *random;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  *random = x;
  return x;
}

static size_t below(uint32_t *random, size_t n) { return n == 0 ? 0 : next(random) % n; }

/* A place for a number of `width` bytes, three times in four in the first 3 KiB. */
static size_t place(uint32_t *random, size_t bytes, size_t width) {
  const size_t front = bytes < 3072 || next(random) % 4 == 0 ? bytes : 3072;
  return below(random, front / width) * width;
}

static void put(uint8_t *at, size_t width, uint32_t value) {
  for (size_t i = 0; i < width; ++i) at[i] = (uint8_t)(i < 4 ? value >> 8 * i : 0);
}

static uint32_t get(const uint8_t *at, size_t width) {
  uint32_t value = 0;
  for (size_t i = 0; i < width && i < 4; ++i) value |= (uint32_t)at[i] << 8 * i;
  return value;
}

/* Replaces one number. */
static void change_number(uint8_t *data, size_t bytes, uint32_t *random) {
  static const size_t WIDTHS[] = {1, 1, 2, 4, 4, 4, 4, 8};
  const size_t width = WIDTHS[next(random) % 8];
  if (bytes < width) return;
  uint8_t *at = data + place(random, bytes, width);
  const uint32_t now = get(at, width), other = get(data + place(random, bytes, width), width);
  switch (next(random) % 8) {
    case 0:
      put(at, width, next(random));
      break;
    case 1:
      put(at, width, other);
      break;
    case 2:
      put(at, width, now ^ (1u << next(random) % 32));
      break;
    case 3:
    case 4:
      put(at, width, now + (uint32_t)below(random, 9) - 4);
      break;
    default:
      put(at, width, EDGES[next(random) % (sizeof EDGES / sizeof *EDGES)]);
  }
}

/* Copies, removes or repeats a piece of a few words. */
static size_t move_piece(uint8_t *data, size_t bytes, size_t most, uint32_t *random) {
  const size_t from = below(random, bytes / 4) * 4, to = below(random, bytes / 4) * 4;
  size_t piece = 4 * (1 + below(random, 8));
  if (piece > bytes - from) piece = bytes - from;
  switch (next(random) % 4) {
    case 0:
      memmove(data + from, data + from + piece, bytes - from - piece);
      return bytes - piece;
    case 1:
      if (bytes + piece > most) return bytes;
      memmove(data + from + piece, data + from, bytes - from);
      return bytes + piece;
    case 2:
      return below(random, 16) == 0 ? below(random, bytes) : bytes;
    default:
      if (piece > bytes - to) piece = bytes - to;
      memmove(data + to, data + from, piece);
      return bytes;
  }
}

size_t fuzz_mutate(uint8_t *data, size_t bytes, size_t most, uint32_t *random) {
  static const uint8_t TIMES[] = {1, 1, 1, 1, 1, 2, 2, 3, 4, 8};
  for (uint32_t n = TIMES[next(random) % 10]; n > 0; --n) {
    if (next(random) % 16 == 0) {
      bytes = move_piece(data, bytes, most, random);
    } else {
      change_number(data, bytes, random);
    }
  }
  return bytes;
}

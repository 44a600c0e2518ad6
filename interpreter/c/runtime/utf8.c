/* Whether bytes are UTF-8: no stray or missing continuation bytes, no longer form than needed, no surrogates, nothing
 * above U+10FFFF. */
#include "verify.h"

/* Continuation bytes behind a first byte, and the lowest and highest second byte; 0xff where it begins nothing. */
static uint32_t following(uint8_t first, uint8_t *low, uint8_t *high) {
  *low = 0x80;
  *high = 0xbf;
  if (first < 0x80) return 0;
  if (first < 0xc2 || first > 0xf4) return 0xff;
  if (first < 0xe0) return 1;
  if (first == 0xe0) *low = 0xa0;
  if (first == 0xed) *high = 0x9f;
  if (first < 0xf0) return 2;
  if (first == 0xf0) *low = 0x90;
  if (first == 0xf4) *high = 0x8f;
  return 3;
}

int xl_is_utf8(const uint8_t *text, uint32_t length) {
  for (uint32_t i = 0; i < length;) {
    uint8_t low, high;
    const uint32_t more = following(text[i], &low, &high);
    if (more >= length - i) return 0; /* 0xff included, unless the text is longer */
    if (more == 0xff) return 0;
    for (uint32_t k = 1; k <= more; ++k) {
      if (text[i + k] < low || text[i + k] > high) return 0;
      low = 0x80;
      high = 0xbf;
    }
    i += more + 1;
  }
  return 1;
}

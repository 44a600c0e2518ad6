/* The widest word that the machine computes with in one step, read from rows of 32-bit words. Internal. */
#ifndef XL_MACHINE_WORD_H
#define XL_MACHINE_WORD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if UINTPTR_MAX > 0xffffffffu
typedef uint64_t xl_machine_word;
#define XL_WORDS_EACH 2
#else
typedef uint32_t xl_machine_word;
#define XL_WORDS_EACH 1
#endif

/* Rows are aligned to 4 bytes only. Where a word is longer, the copy compiles to one load if the machine allows an
 * unaligned one, and to as many as are needed if it does not. */
static inline xl_machine_word xl_load(const uint32_t *p) {
#if XL_WORDS_EACH == 1
  return *p;
#else
  xl_machine_word w;
  memcpy(&w, p, sizeof w);
  return w;
#endif
}

#endif

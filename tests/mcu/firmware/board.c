#include "board.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20 };

#define STOPPED_BY_APPLICATION 0x20026u
#define PAINT 0xa5a55a5au

void board_write(const char *text) { board_semihost(SYS_WRITE0, text); }

void board_write_number(uint32_t value) {
  char digits[11];
  char *at = digits + sizeof digits - 1;
  *at = 0;
  do {
    *--at = (char)('0' + value % 10);
    value /= 10;
  } while (value > 0);
  board_write(at);
}

void board_write_bytes(const void *bytes, uint32_t count) {
  char text[65];
  const uint8_t *from = (const uint8_t *)bytes;
  while (count > 0) {
    uint32_t n = 0;
    for (; n < 32 && count > 0; ++n, --count, ++from) {
      text[2 * n] = "0123456789abcdef"[*from >> 4];
      text[2 * n + 1] = "0123456789abcdef"[*from & 15];
    }
    text[2 * n] = 0;
    board_write(text);
  }
}

void board_exit(int status) {
  const uint32_t block[2] = {STOPPED_BY_APPLICATION, (uint32_t)status};
  board_semihost(SYS_EXIT_EXTENDED, block);
  for (;;) {
  }
}

/* Everything below this function's own frame is painted, so that the first word that changed is the deepest. */
uint32_t __attribute__((noinline)) board_stack_of(void (*function)(void *), void *argument) {
  volatile uint32_t *here, *at;
#ifdef __riscv
  __asm__ volatile("mv %0, sp" : "=r"(here));
#else
  __asm__ volatile("mov %0, sp" : "=r"(here));
#endif
  for (at = board_stack_low; at < here; ++at) *at = PAINT;
  function(argument);
  for (at = board_stack_low; at < here && *at == PAINT; ++at) {
  }
  return (uint32_t)((uintptr_t)here - (uintptr_t)at);
}

/* Start-up of a Cortex-M: the vector table, the C environment, the floating-point unit where there is one. */
#include "board.h"

extern uint32_t board_data_from[], board_data[], board_data_end[], board_bss[], board_bss_end[];
int main(void);

int board_semihost(int request, const void *argument) {
  register int r0 __asm__("r0") = request;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void board_fault(void) {
  board_write("fault\n");
  board_exit(99);
}

void board_reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* CPACR: coprocessors 10 and 11, floats and Helium */
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  const uint32_t *from = board_data_from; /* volatile: else these are calls of memcpy and memset, which are counted */
  for (volatile uint32_t *to = board_data; to < board_data_end; ++to) *to = *from++;
  for (volatile uint32_t *to = board_bss; to < board_bss_end; ++to) *to = 0;
  board_exit(main());
}

typedef void (*handler)(void);
typedef union {
  uint32_t *stack;
  handler run;
} vector;

__attribute__((section(".vectors"), used)) const vector board_vectors[16] = {
    {.stack = board_stack_high}, {.run = board_reset}, {.run = board_fault}, {.run = board_fault}, {.run = board_fault}, {.run = board_fault},
    {.run = board_fault}, {.run = board_fault}, {0}, {0}, {0}, {.run = board_fault}, {.run = board_fault}, {0}, {.run = board_fault}, {.run = board_fault},
};

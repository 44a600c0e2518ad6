/* Start-up of a RISC-V core in machine mode: the stack, the C environment, a trap handler that ends the run. */
#include "board.h"

extern uint32_t board_data_from[], board_data[], board_data_end[], board_bss[], board_bss_end[];
int main(void);
void board_reset(void) __attribute__((used, noreturn));
void board_trap(void) __attribute__((used, noreturn, aligned(4)));

/* gp and tp are those that the compiler's code and the C library expect. */
__asm__(
    ".section .vectors, \"ax\", @progbits\n"
    ".option push\n"
    ".option norelax\n"
    ".option arch, +zicsr\n"
    ".global _start\n"
    "_start:\n"
    "  la gp, __global_pointer$\n"
    "  la tp, board_thread\n"
    "  la sp, board_stack_high\n"
    "  la t0, board_trap\n"
    "  csrw mtvec, t0\n"
    "  tail board_reset\n"
    ".option pop\n"
    ".text\n"
    /* Semihosting: an ebreak between these two shifts, none of them compressed, all on one page. */
    ".global board_semihost\n"
    ".type board_semihost, @function\n"
    ".balign 16\n"
    ".option push\n"
    ".option norvc\n"
    "board_semihost:\n"
    "  slli zero, zero, 0x1f\n"
    "  ebreak\n"
    "  srai zero, zero, 7\n"
    "  ret\n"
    ".option pop\n"
    ".size board_semihost, . - board_semihost\n");

void board_trap(void) {
  board_write("fault\n");
  board_exit(99);
}

void board_reset(void) {
  const uint32_t *from = board_data_from; /* volatile: else these are calls of memcpy and memset, which are counted */
  for (volatile uint32_t *to = board_data; to < board_data_end; ++to) *to = *from++;
  for (volatile uint32_t *to = board_bss; to < board_bss_end; ++to) *to = 0;
  board_exit(main());
}

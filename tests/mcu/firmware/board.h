/* What a program on an emulated board has: text and an exit status by semihosting, and the stack's use by paint. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prints the text. */
void board_write(const char *text);

/* Prints decimal digits; bytes as two hexadecimal ones each. */
void board_write_number(uint32_t value);
void board_write_bytes(const void *bytes, uint32_t count);

/* Ends the emulation with this exit status. main's result is given to it. */
void board_exit(int status) __attribute__((noreturn));

/* Calls function(argument) and returns how many bytes of stack it and what it called touched. */
uint32_t board_stack_of(void (*function)(void *), void *argument);

/* Of the processor's own (start-up file): one semihosting request. */
int board_semihost(int request, const void *argument);

/* Of the linker script. */
extern uint32_t board_stack_low[], board_stack_high[];

#ifdef __cplusplus
}
#endif

#endif

/* Counting differing bits on RISC-V of 32 bits without a popcount instruction: Harley and Seal's method for two
 * filters at once.
 *
 * carry_save.h costs about 10 instructions a word here, since the compiler moves the loads apart and runs out of
 * registers. In order, the 31 registers hold the state of two filters, three masks and all that is loaded and
 * carried, so that a word of the row is loaded once for both. Eight words of two filters are two times
 *
 *   12  loads: 8 of weights, half of the row's 8
 *    8  xor, what differs
 *   35  seven carry-save adders of five each
 *   11  the eights' bits summed within each byte and added to four sums
 *    2  the end of the loop: three pointers and a branch, for two
 *
 * 68 instructions, 8.5 a word. The words that make no whole block come first, an odd one and then pairs. They fill
 * ones, twos and fours, which hold seven words exactly: a pair costs an adder and three more. A sum of eights is a
 * byte and grows by 8 a block at most: 31 blocks, 255 words, are counted at once. */
#include "core.h"

#ifdef XL_CORE_RV32

#define MOST_WORDS 255

/* skip: bytes from the end of a filter to the next one. */
void xl_rv32_count(const uint32_t *row, const uint32_t *weights, uint32_t words, int32_t n, uint32_t *counts, ptrdiff_t skip);

/* a0 row, a1 and a2 the two filters, a3 the row's end, a4 counts. Of the filters each ones, twos, fours and sums of
 * eights: a5 a6 a7 t0, and t1 t2 t3 t4. s0 s1 s2 masks, s5 s6 carries of twos, s7 s8 of fours, s10 the row's bytes,
 * s11 the filters that are left, ra skip. */
__asm__(
    "  .section .text.xl_rv32_count, \"ax\", @progbits\n"
    "  .balign 4\n"
    /* \carry = the carries of \sum + s3 + s4, \sum = their sums; s3 and s9 are lost. */
    "  .macro xl_add3 sum, a, b, carry\n"
    "  xor s9, \\sum, \\a\n"
    "  and \\a, \\sum, \\a\n"
    "  xor \\sum, s9, \\b\n"
    "  and s9, s9, \\b\n"
    "  or \\carry, \\a, s9\n"
    "  .endm\n"
    /* Two words of a filter against those of the row in t5 and t6. */
    "  .macro xl_pair at, weights, ones, carry\n"
    "  lw s3, \\at(\\weights)\n"
    "  lw s4, \\at+4(\\weights)\n"
    "  xor s3, s3, t5\n"
    "  xor s4, s4, t6\n"
    "  xl_add3 \\ones, s3, s4, \\carry\n"
    "  .endm\n"
    /* Two words of both filters. */
    "  .macro xl_pairs at, carry_v, carry_w\n"
    "  lw t5, \\at(a0)\n"
    "  lw t6, \\at+4(a0)\n"
    "  xl_pair \\at, a1, a5, \\carry_v\n"
    "  xl_pair \\at, a2, t1, \\carry_w\n"
    "  .endm\n"
    /* A pair where there is no block: its carry becomes twos and fours. */
    "  .macro xl_carry carry, twos, fours\n"
    "  and s9, \\twos, \\carry\n"
    "  xor \\twos, \\twos, \\carry\n"
    "  or \\fours, \\fours, s9\n"
    "  .endm\n"
    /* The number of bits in each two of \x; then in each four. */
    "  .macro xl_bits_of_2 x\n"
    "  srli s9, \\x, 1\n"
    "  and s9, s9, s0\n"
    "  sub \\x, \\x, s9\n"
    "  .endm\n"
    "  .macro xl_bits_of_4 x\n"
    "  srli s9, \\x, 2\n"
    "  and s9, s9, s1\n"
    "  and \\x, \\x, s1\n"
    "  add \\x, \\x, s9\n"
    "  .endm\n"
    "  .macro xl_add_eights carry, sum\n"
    "  xl_bits_of_2 \\carry\n"
    "  xl_bits_of_4 \\carry\n"
    "  srli s9, \\carry, 4\n"
    "  add \\carry, \\carry, s9\n"
    "  and \\carry, \\carry, s2\n"
    "  add \\sum, \\sum, \\carry\n"
    "  .endm\n"
    /* All that a filter counted, in \ones. Ones + 2 * twos + 4 * fours are at most 12 in four bits, then 56 in a byte;
     * with 8 * the eights at most 2040 in a half word. */
    "  .macro xl_total ones, twos, fours, eights\n"
    "  xl_bits_of_2 \\ones\n"
    "  xl_bits_of_2 \\twos\n"
    "  xl_bits_of_2 \\fours\n"
    "  xl_bits_of_4 \\ones\n"
    "  xl_bits_of_4 \\twos\n"
    "  xl_bits_of_4 \\fours\n"
    "  slli \\twos, \\twos, 1\n"
    "  add \\ones, \\ones, \\twos\n"
    "  srli s9, \\ones, 4\n"
    "  and s9, s9, s2\n"
    "  and \\ones, \\ones, s2\n"
    "  add \\ones, \\ones, s9\n"
    "  srli s9, \\fours, 4\n"
    "  add \\fours, \\fours, s9\n"
    "  and \\fours, \\fours, s2\n"
    "  slli \\fours, \\fours, 2\n"
    "  add \\ones, \\ones, \\fours\n"
    "  srli s9, \\ones, 8\n"
    "  and s9, s9, t5\n"
    "  and \\ones, \\ones, t5\n"
    "  add \\ones, \\ones, s9\n"
    "  srli s9, \\eights, 8\n"
    "  and s9, s9, t5\n"
    "  and \\eights, \\eights, t5\n"
    "  add \\eights, \\eights, s9\n"
    "  slli \\eights, \\eights, 3\n"
    "  add \\ones, \\ones, \\eights\n"
    "  srli s9, \\ones, 16\n"
    "  add \\ones, \\ones, s9\n"
    "  slli \\ones, \\ones, 16\n"
    "  srli \\ones, \\ones, 16\n"
    "  .endm\n"
    "  .global xl_rv32_count\n"
    "  .type xl_rv32_count, @function\n"
    "xl_rv32_count:\n"
    "  addi sp, sp, -64\n"
    "  sw s0, 0(sp)\n"
    "  sw s1, 4(sp)\n"
    "  sw s2, 8(sp)\n"
    "  sw s3, 12(sp)\n"
    "  sw s4, 16(sp)\n"
    "  sw s5, 20(sp)\n"
    "  sw s6, 24(sp)\n"
    "  sw s7, 28(sp)\n"
    "  sw s8, 32(sp)\n"
    "  sw s9, 36(sp)\n"
    "  sw s10, 40(sp)\n"
    "  sw s11, 44(sp)\n"
    "  sw ra, 48(sp)\n"
    "  mv ra, a5\n"
    "  li s0, 0x55555555\n"
    "  li s1, 0x33333333\n"
    "  li s2, 0x0f0f0f0f\n"
    "  mv s11, a3\n"
    "  slli s10, a2, 2\n"
    "  add a3, a0, s10\n"
    "1:\n"
    "  mv a2, a1\n" /* an odd filter is counted twice */
    "  li t5, 1\n"
    "  beq s11, t5, 2f\n"
    "  add a2, a1, s10\n"
    "  add a2, a2, ra\n"
    "2:\n"
    "  li a5, 0\n"
    "  li t1, 0\n"
    "  andi t5, s10, 4\n"
    "  beqz t5, 3f\n"
    "  lw t5, 0(a0)\n"
    "  lw a5, 0(a1)\n"
    "  lw t1, 0(a2)\n"
    "  xor a5, a5, t5\n"
    "  xor t1, t1, t5\n"
    "  addi a0, a0, 4\n"
    "  addi a1, a1, 4\n"
    "  addi a2, a2, 4\n"
    "3:\n"
    "  li a6, 0\n"
    "  li a7, 0\n"
    "  li t0, 0\n"
    "  li t2, 0\n"
    "  li t3, 0\n"
    "  li t4, 0\n"
    "  andi s7, s10, 24\n"
    "  beqz s7, 5f\n"
    "  add s7, s7, a0\n"
    "4:\n"
    "  xl_pairs 0, s5, s6\n"
    "  xl_carry s5, a6, a7\n"
    "  xl_carry s6, t2, t3\n"
    "  addi a0, a0, 8\n"
    "  addi a1, a1, 8\n"
    "  addi a2, a2, 8\n"
    "  bne a0, s7, 4b\n"
    "5:\n"
    "  beq a0, a3, 7f\n"
    "6:\n"
    "  xl_pairs 0, s5, s6\n"
    "  xl_pairs 8, s7, s8\n"
    "  xl_add3 a6, s5, s7, s5\n"
    "  xl_add3 t2, s6, s8, s6\n"
    "  lw t5, 16(a0)\n"
    "  lw t6, 20(a0)\n"
    "  xl_pair 16, a1, a5, s7\n"
    "  xl_pair 16, a2, t1, s8\n"
    "  lw t5, 24(a0)\n"
    "  lw t6, 28(a0)\n"
    "  xl_pair 24, a1, a5, s3\n"
    "  xl_add3 a6, s7, s3, s7\n"
    "  xl_pair 24, a2, t1, s3\n"
    "  xl_add3 t2, s8, s3, s8\n"
    "  xl_add3 a7, s5, s7, s5\n"
    "  xl_add_eights s5, t0\n"
    "  xl_add3 t3, s6, s8, s6\n"
    "  xl_add_eights s6, t4\n"
    "  addi a0, a0, 32\n"
    "  addi a1, a1, 32\n"
    "  addi a2, a2, 32\n"
    "  bne a0, a3, 6b\n"
    "7:\n"
    "  li t5, 0x00ff00ff\n"
    "  xl_total a5, a6, a7, t0\n"
    "  sw a5, 0(a4)\n"
    "  addi s11, s11, -1\n"
    "  beqz s11, 8f\n"
    "  xl_total t1, t2, t3, t4\n"
    "  sw t1, 4(a4)\n"
    "  addi a4, a4, 8\n"
    "  add a1, a2, ra\n"
    "  sub a0, a3, s10\n"
    "  addi s11, s11, -1\n"
    "  bnez s11, 1b\n"
    "8:\n"
    "  lw s0, 0(sp)\n"
    "  lw s1, 4(sp)\n"
    "  lw s2, 8(sp)\n"
    "  lw s3, 12(sp)\n"
    "  lw s4, 16(sp)\n"
    "  lw s5, 20(sp)\n"
    "  lw s6, 24(sp)\n"
    "  lw s7, 28(sp)\n"
    "  lw s8, 32(sp)\n"
    "  lw s9, 36(sp)\n"
    "  lw s10, 40(sp)\n"
    "  lw s11, 44(sp)\n"
    "  lw ra, 48(sp)\n"
    "  addi sp, sp, 64\n"
    "  ret\n"
    "  .size xl_rv32_count, . - xl_rv32_count\n"
    "  .purgem xl_add3\n"
    "  .purgem xl_pair\n"
    "  .purgem xl_pairs\n"
    "  .purgem xl_carry\n"
    "  .purgem xl_bits_of_2\n"
    "  .purgem xl_bits_of_4\n"
    "  .purgem xl_add_eights\n"
    "  .purgem xl_total\n"
    "  .text\n");

void xl_core_count_differing_apart(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, ptrdiff_t stride,
                                   int32_t n, uint32_t *counts) {
  if (words <= MOST_WORDS) {
    if (n > 0) xl_rv32_count(row, weights, (uint32_t)words, n, counts, 4 * (stride - words));
    return;
  }
  for (int32_t i = 0; i < n; ++i, weights += stride) {
    uint32_t total = 0;
    for (ptrdiff_t k = 0; k < words; k += MOST_WORDS) {
      const ptrdiff_t left = words - k;
      uint32_t some;
      xl_rv32_count(row + k, weights + k, (uint32_t)(left < MOST_WORDS ? left : MOST_WORDS), 1, &some, 0);
      total += some;
    }
    counts[i] = total;
  }
}

void xl_core_count_differing(const uint32_t *row, const uint32_t *weights, ptrdiff_t words, int32_t n,
                             uint32_t *counts) {
  xl_core_count_differing_apart(row, weights, words, words, n, counts);
}

#endif

/* One binary convolution of 3 x 3, from bits to bits: CHANNELS in and out, SIZE x SIZE pixels, padded by one with
 * PAD_VALUE. KERNEL computes it. Prints a hash of the output, the same for every kernel and core, the stack and
 * the workspace that it took. */
#include "board.h"
#include "xlite.h"

#ifdef LOOKUP
#define KERNEL xl_lookup_conv2d_b_b_b
#define WORKSPACE xl_lookup_conv2d_b_b_workspace
#else
#define KERNEL xl_conv2d_b_b_b
#define WORKSPACE xl_conv2d_b_b_workspace
#endif

#define WORDS ((CHANNELS + 31) / 32)
#define ROW_WORDS ((9 * CHANNELS + 31) / 32)

static uint32_t x[SIZE * SIZE * WORDS], out[SIZE * SIZE * WORDS], filter[CHANNELS * ROW_WORDS];
static uint32_t workspace[WORKSPACE_BYTES / 4];
static int32_t threshold[CHANNELS];

static const xl_conv2d_params params = {
    .window = {SIZE, SIZE, SIZE, SIZE, 3, 3, 1, 1, 1, 1, 1, 1},
    .batch = 1, .in_c = CHANNELS, .out_c = CHANNELS, .pad_value = PAD_VALUE, .groups = 1, .planes = 1,
};

static uint32_t next(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state ^ (state >> 15);
}

static void draw(uint32_t *row, int words, int bits) {
  for (int i = 0; i < words; ++i) row[i] = next();
  if (bits % 32) row[words - 1] &= UINT32_MAX >> (32 - bits % 32);
}

static void call(void *op) { KERNEL((const xl_op *)op); }

int main(void) {
  for (int i = 0; i < SIZE * SIZE; ++i) draw(x + i * WORDS, WORDS, CHANNELS);
  for (int i = 0; i < CHANNELS; ++i) {
    draw(filter + i * ROW_WORDS, ROW_WORDS, 9 * CHANNELS);
    threshold[i] = (int32_t)(next() % (CHANNELS + 1)) - CHANNELS / 2;
  }
  xl_op op = {KERNEL, &params, {x, filter, 0, 0, threshold, 0}, out, workspace, sizeof workspace, 0, 0};
  if (WORKSPACE(&params) > sizeof workspace) {
    board_write("workspace ");
    board_write_number((uint32_t)WORKSPACE(&params));
    board_write("\n");
    return 2;
  }
  const uint32_t stack = board_stack_of(call, &op);
  uint32_t hash = 2166136261u;
  for (int i = 0; i < SIZE * SIZE * WORDS; ++i) hash = (hash ^ out[i]) * 16777619u;
  board_write_number(hash);
  board_write(" ");
  board_write_number(stack);
  board_write(" ");
  board_write_number((uint32_t)WORKSPACE(&params));
  board_write("\n");
  return 0;
}

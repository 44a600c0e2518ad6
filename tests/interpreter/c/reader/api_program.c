/* What a firmware does with the reader, with two models at once. Arguments: two files. Prints what is compared. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xlite.h"

XLITE_REGISTER(small_ops, xl_op_sign_f32_b, xl_op_conv2d_b_b_f32, xl_op_relu, xl_op_reshape_copy, xl_op_softmax_f32);
XLITE_REGISTER(no_relu, xl_op_sign_f32_b, xl_op_conv2d_b_b_f32, xl_op_reshape_copy, xl_op_softmax_f32);
XLITE_REGISTER(no_dense, xl_op_sign_f32_b, xl_op_conv2d_b_b_b, xl_op_relu, xl_op_reshape_copy, xl_op_softmax_f32);

static uint8_t *aligned(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 16, bytes) != 0) exit(3);
  return (uint8_t *)memory;
}

static uint8_t *load(const char *path, size_t *bytes) {
  FILE *stream = fopen(path, "rb");
  uint8_t *data = aligned(1 << 20);
  if (stream == NULL) exit(2);
  *bytes = fread(data, 1, 1 << 20, stream);
  fclose(stream);
  return data;
}

static void count(void *user, const xl_op *op, uint32_t index, int32_t done) {
  if (op->tag == index && done) ++*(int *)user;
}

static void say(const char *what, const xl_error *error) {
  char text[200];
  printf("%s: %s\n", what, xl_error_text(error, text, sizeof text));
}

int main(int n, char **arguments) {
  xl_model a, b;
  xl_error error;
  xl_arena_need need;
  size_t bytes, others;
  int ops_done = 0;
  if (n != 3) return 2;
  uint8_t *first = load(arguments[1], &bytes), *second = load(arguments[2], &others);
  uint8_t *arena = aligned(1 << 16), *other = aligned(1 << 16);
  if (xl_model_open(&a, first, bytes, no_relu, arena, 1 << 16, &error) != XL_RULE_NONE) say("no relu", &error);
  if (xl_model_open(&a, first, bytes, no_dense, arena, 1 << 16, &error) != XL_RULE_NONE) say("no op", &error);
  if (xl_model_open(&a, first, bytes, small_ops, arena + 8, (1 << 16) - 8, &error) != XL_RULE_NONE) say("odd", &error);
  if (xl_model_open(&a, first + 4, bytes, small_ops, arena, 1 << 16, &error) != XL_RULE_NONE) say("file", &error);
  if (xl_model_open(&b, second, others, xl_all_ops, other, 1 << 16, &error) != XL_RULE_NONE) say("custom", &error);
  if (xl_model_arena_bytes(first, bytes, small_ops, &need, &error) != XL_RULE_NONE) return 4;
  if (xl_model_open(&a, first, bytes, small_ops, arena, need.total, NULL) != XL_RULE_NONE) return 5;
  if (xl_model_open(&b, first, bytes, xl_all_ops, other, need.total, NULL) != XL_RULE_NONE) return 6;
  for (uint32_t i = 0; i < xl_model_input_bytes(&a, 0) / 4; ++i) {
    ((float *)xl_model_input(&a, 0))[i] = i % 3 == 0 ? -1.0f : 1.0f;
    ((float *)xl_model_input(&b, 0))[i] = i % 3 == 0 ? 1.0f : -1.0f;
  }
  xl_model_invoke(&a);
  xl_model_invoke_profiled(&b, count, &ops_done);
  for (uint32_t i = 0; i < 12; ++i) {
    const float *of_a = (const float *)xl_model_output(&a, 0), *of_b = (const float *)xl_model_output(&b, 0);
    printf("%a %a\n", (double)of_a[i], (double)of_b[i]);
  }
  const xl_tensor y = xl_model_output_tensor(&a, 0);
  printf("ops %d, label %s, output %s, %u axes of %u and %u\n", ops_done, xl_model_label(&a, 1), y.name,
         (unsigned)y.rank, (unsigned)y.shape[0], (unsigned)y.shape[1]);
  free(first);
  free(second);
  free(arena);
  free(other);
  return 0;
}

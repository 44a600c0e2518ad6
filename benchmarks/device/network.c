/* Runs a .xlite file once, with a mark (tests/device/count.c) before each op and behind the last.
 *
 *     network FILE      prints a line for each op, its index and its name in the file, then "sum X" of its output
 */
#define _GNU_SOURCE 1 /* aligned_alloc, close */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xlite.h"

enum { MARKS = 0x786c0000 };

static void *read_file(const char *path, size_t *bytes) {
  FILE *f = fopen(path, "rb");
  if (f == NULL || fseek(f, 0, SEEK_END) != 0) exit(2);
  *bytes = (size_t)ftell(f);
  rewind(f);
  void *data = aligned_alloc(64, (*bytes + 63) / 64 * 64);
  if (data == NULL || fread(data, 1, *bytes, f) != *bytes) exit(2);
  fclose(f);
  return data;
}

static void before(void *user, const xl_op *op, uint32_t index, int32_t done) {
  (void)user, (void)op;
  if (!done) close(MARKS + (int)index);
}

int main(int argc, char **argv) {
  size_t bytes = 0;
  xl_model model;
  xl_error error;
  xl_arena_need need;
  char text[300];
  if (argc != 2) return 2;
  void *file = read_file(argv[1], &bytes);
  xl_rule rule = xl_model_arena_bytes(file, bytes, xl_all_ops, &need, &error);
  void *arena = rule == XL_RULE_NONE ? aligned_alloc(64, (need.fastest + 63) / 64 * 64) : NULL;
  if (rule == XL_RULE_NONE) rule = xl_model_open(&model, file, bytes, xl_all_ops, arena, need.fastest, &error);
  if (rule != XL_RULE_NONE) {
    fprintf(stderr, "%s\n", xl_error_text(&error, text, sizeof text));
    return 1;
  }
  const xl_tensor x = xl_model_input_tensor(&model, 0);
  uint32_t elements = 1, state = 1;
  for (int i = 0; i < x.rank; ++i) elements *= (uint32_t)x.shape[i];
  for (uint32_t i = 0; i < elements; ++i) { /* floats from -1 to 1, or bytes */
    state = state * 1664525u + 1013904223u;
    if (x.bytes == elements) {
      ((uint8_t *)x.data)[i] = (uint8_t)(state >> 24);
    } else {
      ((float *)x.data)[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
  }
  close(MARKS + 0xffff); /* what a mark costs lies between this and the next */
  close(MARKS + 0xfffe);
  xl_model_invoke_profiled(&model, before, NULL);
  close(MARKS + 0xfffd);
  for (uint32_t i = 0; i < xl_model_ops(&model); ++i) {
    const xl_error named = xl_model_op(&model, i);
    printf("%u %s\n", (unsigned)i, xl_error_text(&named, text, sizeof text));
  }
  const float *y = (const float *)xl_model_output(&model, 0);
  double sum = 0;
  for (uint32_t i = 0; i < xl_model_output_bytes(&model, 0) / 4; ++i) sum += (double)y[i] * (double)(i % 7);
  printf("sum %.9g\n", sum);
  return 0;
}

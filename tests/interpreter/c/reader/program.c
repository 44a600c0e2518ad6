/* Opens and runs .xlite files that come one after the other on standard input, and says what became of each.
 *
 * A file in: bytes of the file, of the arena that there may be at most, and of all inputs together (each uint32), then
 * the file and the inputs. With no bytes of inputs, accepted files are not run.
 * Out: rule, op, tensor (int32), what the arena needs, whether it ran, bytes of all outputs together (uint32), then the
 * outputs. File, arena and model lie in memory of their own, no byte longer than it must be, for sanitizers. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xlite.h"

/* An op of the user's that takes anything: its outputs are zeros. */
static void run_custom(const xl_op *op) {
  const xl_custom *custom = (const xl_custom *)op->params;
  for (uint32_t i = 0; i < custom->inputs; ++i) (void)xl_custom_input(custom, i);
  for (uint32_t i = 0; i < custom->outputs; ++i) {
    const xl_tensor y = xl_custom_output(custom, i);
    memset(y.data, 0, y.bytes);
  }
}

static const xl_entry CUSTOM[1] = {XL_CUSTOM_OP("Custom>Calibrate", run_custom, NULL)};
static const xl_entry *ops[400]; /* all, and this one */

static void fill_ops(void) {
  size_t n = 0;
  while (xl_all_ops[n] != NULL) {
    ops[n] = xl_all_ops[n];
    ++n;
  }
  ops[n] = CUSTOM;
}

static void *block(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 16, bytes == 0 ? 1 : bytes) != 0) exit(3);
  memset(memory, 0xa5, bytes);
  return memory;
}

static void get(void *to, size_t bytes) {
  if (bytes != 0 && fread(to, 1, bytes, stdin) != bytes) exit(2);
}

static void put(const void *from, size_t bytes) {
  if (bytes != 0 && fwrite(from, 1, bytes, stdout) != bytes) exit(2);
}

/* Copies the inputs into the model; 0 where they are not as many bytes as it wants. */
static int set_inputs(const xl_model *m, const uint8_t *from, size_t bytes) {
  for (uint32_t i = 0; i < xl_model_inputs(m); ++i) {
    const size_t wanted = xl_model_input_bytes(m, i);
    if (wanted > bytes) return 0;
    memcpy(xl_model_input(m, i), from, wanted);
    from += wanted;
    bytes -= wanted;
  }
  return bytes == 0;
}

static void put_outputs(const xl_model *m) {
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < xl_model_outputs(m); ++i) bytes += xl_model_output_bytes(m, i);
  put(&bytes, sizeof bytes);
  for (uint32_t i = 0; i < xl_model_outputs(m); ++i) put(xl_model_output(m, i), xl_model_output_bytes(m, i));
}

/* Touches all that a program may ask of a model. */
static void look(const xl_model *m) {
  float scale, offset;
  size_t letters = 0;
  xl_model_preprocessing(m, &scale, &offset);
  for (uint32_t i = 0; i < xl_model_labels(m); ++i) letters += strlen(xl_model_label(m, i));
  for (uint32_t i = 0; i < xl_model_ops(m); ++i) {
    char text[200];
    const xl_error named = xl_model_op(m, i);
    letters += strlen(xl_error_text(&named, text, sizeof text));
  }
  for (uint32_t i = 0; i < xl_model_outputs(m); ++i) letters += strlen(xl_model_output_tensor(m, i).name);
  if (letters == (size_t)-1) exit(4);
}

static void run(const void *file, uint32_t bytes, uint32_t most, const uint8_t *inputs, uint32_t input_bytes) {
  xl_error error;
  xl_arena_need need = {0, 0, 0, 0};
  xl_model model;
  const uint32_t nothing = 0;
  char text[200];
  xl_rule rule = xl_model_arena_bytes(file, bytes, ops, &need, &error);
  uint8_t *arena = NULL;
  int ran = 0;
  if (rule == XL_RULE_NONE && need.total > most) rule = XL_RULE_ARENA_BYTES;
  if (rule == XL_RULE_NONE) {
    arena = (uint8_t *)block(need.total);
    rule = xl_model_open(&model, file, bytes, ops, arena, need.total, &error);
  }
  xl_error_text(&error, text, sizeof text);
  if (rule == XL_RULE_NONE) {
    look(&model);
    ran = input_bytes != 0 && set_inputs(&model, inputs, input_bytes);
  }
  if (ran) xl_model_invoke(&model);
  const int32_t verdict[3] = {(int32_t)rule, error.op, error.tensor};
  const uint32_t figures[2] = {(uint32_t)need.total, (uint32_t)ran};
  put(verdict, sizeof verdict);
  put(figures, sizeof figures);
  if (ran) {
    put_outputs(&model);
  } else {
    put(&nothing, sizeof nothing);
  }
  free(arena);
}

int main(void) {
  uint32_t sizes[3];
  fill_ops();
  while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
    void *file = block(sizes[0]);
    uint8_t *inputs = (uint8_t *)block(sizes[2]);
    get(file, sizes[0]);
    get(inputs, sizes[2]);
    run(file, sizes[0], sizes[1], inputs, sizes[2]);
    free(file);
    free(inputs);
  }
  return fflush(stdout) == 0 ? 0 : 2;
}

/* Opens and runs one file: in memory of exactly its size and an arena of exactly what it asks for, so that a sanitizer
 * sees every access beyond. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "look.h"
#include "xlite.h"

#define MOST_ARENA (1u << 16)    /* bytes; larger models are verified only */
#define MOST_WORK ((uint64_t)1 << 15) /* products and moved elements; the same */

int fuzz_reached;

static void run_custom(const xl_op *op) {
  const xl_custom *custom = (const xl_custom *)op->params;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < custom->data_bytes; ++i) sum += custom->data[i];
  for (uint32_t i = 0; i < custom->inputs; ++i) sum += xl_custom_input(custom, i).bytes;
  for (uint32_t i = 0; i < custom->outputs; ++i) {
    const xl_tensor y = xl_custom_output(custom, i);
    memset(y.data, 0, y.bytes); /* bits that are not used must be 0 */
    if (y.dtype != XL_B) memset(y.data, (int)(sum & 0xff), y.bytes);
  }
}

static const xl_entry CUSTOM[1] = {XL_CUSTOM_OP("Custom>Calibrate", run_custom, NULL)};

/* All ops and the custom one. */
static const xl_entry *const *table(void) {
  static const xl_entry *ops[400];
  size_t n = 0;
  if (ops[0] != NULL) return ops;
  for (; xl_all_ops[n] != NULL; ++n) ops[n] = xl_all_ops[n];
  ops[n] = CUSTOM;
  return ops;
}

static void *block(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, 16, bytes == 0 ? 1 : bytes) != 0) abort();
  return memory;
}

/* A valid file may ask for huge loops: what an op does, at most. */
static uint64_t work_of(const xl_model *m, uint32_t index) {
  xl_look l;
  xl_look_at(&l, m, index);
  const uint64_t x = l.x.rank == 0 ? 0 : (uint64_t)xl_elements(&l.x, 0, l.x.rank);
  const uint64_t y = (uint64_t)xl_elements(&l.y, 0, l.y.rank);
  const uint64_t w = l.w.rank == 0 ? 0 : (uint64_t)xl_elements(&l.w, 0, l.w.rank);
  const int pools = l.number >= XL_NUMBER_MAX_POOL_2D && l.number <= XL_NUMBER_AVERAGE_POOL_3D;
  const uint64_t taps = pools ? x / (uint64_t)l.x.shape[l.x.rank - 1] : 1;
  const uint64_t outputs = (uint64_t)l.y.shape[l.y.rank - 1];
  return x + y + y / outputs * (w > taps * outputs ? w : taps * outputs);
}

static int is_small(const xl_model *m) {
  uint64_t work = 0;
  for (uint32_t i = 0; i < xl_model_ops(m) && work <= MOST_WORK; ++i) work += work_of(m, i);
  return work <= MOST_WORK;
}

/* Any bytes are floats or integers; the unused bits of bits are 0. */
static void fill_input(const xl_tensor *t, uint32_t *random) {
  uint8_t *bytes = (uint8_t *)t->data;
  const uint32_t row = (uint32_t)t->shape[t->rank - 1], words = (row + 31) / 32;
  for (uint32_t i = 0; i < t->bytes; ++i) {
    *random = *random * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(*random >> 24);
  }
  if (t->dtype != XL_B || row % 32 == 0) return;
  for (uint32_t i = words; i <= t->bytes / 4; i += words) {
    uint32_t word;
    memcpy(&word, bytes + 4 * (i - 1), 4);
    word &= UINT32_MAX >> (32 - row % 32);
    memcpy(bytes + 4 * (i - 1), &word, 4);
  }
}

static uint32_t sum_outputs(const xl_model *m) {
  uint32_t sum = 2166136261u;
  for (uint32_t i = 0; i < xl_model_outputs(m); ++i) {
    const uint8_t *bytes = (const uint8_t *)xl_model_output(m, i);
    const uint32_t count = xl_model_output_bytes(m, i);
    for (uint32_t k = 0; k < count; ++k) sum = (sum ^ bytes[k]) * 16777619u;
  }
  return sum;
}

static void count_op(void *user, const xl_op *op, uint32_t index, int32_t done) {
  if (op->tag != index) abort();
  *(uint32_t *)user += done ? 1u : 0u;
}

/* Two runs with the same inputs give the same outputs, since nothing is written over inputs. */
static void run(const xl_model *m) {
  uint32_t random = m->bytes, done = 0;
  for (uint32_t i = 0; i < xl_model_inputs(m); ++i) {
    const xl_tensor t = xl_model_input_tensor(m, i);
    fill_input(&t, &random);
  }
  xl_model_invoke(m);
  const uint32_t first = sum_outputs(m);
  xl_model_invoke_profiled(m, count_op, &done);
  if (sum_outputs(m) != first || done != xl_model_ops(m)) abort();
  fuzz_reached = 2;
}

static void ask(const xl_model *m) {
  char text[100];
  float scale, offset;
  size_t letters = 0;
  xl_model_preprocessing(m, &scale, &offset);
  for (uint32_t i = 0; i < xl_model_labels(m); ++i) letters += strlen(xl_model_label(m, i));
  for (uint32_t i = 0; i < xl_model_ops(m); ++i) {
    const xl_error op = xl_model_op(m, i);
    letters += strlen(xl_error_text(&op, text, sizeof text));
  }
  if (letters > 8 * (size_t)m->bytes + 100 * (size_t)m->op_count) abort();
}

static void open_and_run(const uint8_t *file, size_t bytes) {
  xl_arena_need need;
  xl_error error, again;
  xl_model model;
  char text[64];
  const xl_rule rule = xl_model_arena_bytes(file, bytes, table(), &need, &error);
  if (error.rule != rule || strlen(xl_error_text(&error, text, sizeof text)) >= sizeof text) abort();
  if (rule != XL_RULE_NONE || need.total > MOST_ARENA) return;
  fuzz_reached = 1;
  void *arena = block(need.total);
  if (need.total > 0) {
    const xl_rule small = xl_model_open(&model, file, bytes, table(), arena, need.total - 1, NULL);
    if (small != XL_RULE_ARENA_BYTES) abort();
  }
  if (xl_model_open(&model, file, bytes, table(), arena, need.total, &again) != XL_RULE_NONE) abort();
  ask(&model);
  if (is_small(&model)) run(&model);
  free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  uint8_t *file = (uint8_t *)block(bytes);
  fuzz_reached = 0;
  if (bytes > 0) memcpy(file, data, bytes);
  open_and_run(file, bytes);
  free(file);
  return 0;
}

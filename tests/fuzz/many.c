/* Millions of mutated files without libFuzzer: many COUNT SEED FILE... takes the files in turn, changes a copy of one
 * and opens it; now and then it starts from what it changed before and was still valid. Prints what became of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "target.h"

#define MOST 65536
#define KEPT 256 /* valid changed files */

typedef struct file {
  uint8_t *data;
  size_t bytes;
} file;

static file load(const char *path) {
  file f = {(uint8_t *)malloc(MOST), 0};
  FILE *stream = fopen(path, "rb");
  if (stream == NULL || f.data == NULL) exit(2);
  f.bytes = fread(f.data, 1, MOST, stream);
  fclose(stream);
  return f;
}

static void keep(file *kept, const uint8_t *data, size_t bytes) {
  if (kept->data == NULL) kept->data = (uint8_t *)malloc(MOST);
  if (kept->data == NULL) exit(2);
  memcpy(kept->data, data, bytes);
  kept->bytes = bytes;
}

int main(int count, char **arguments) {
  static uint8_t data[MOST];
  static file kept[KEPT];
  if (count < 4) return 2;
  const unsigned long wanted = strtoul(arguments[1], NULL, 10), seeds = (unsigned long)count - 3;
  uint32_t random = (uint32_t)strtoul(arguments[2], NULL, 10) * 2654435761u | 1u;
  unsigned long reached[3] = {0, 0, 0};
  file *files = (file *)malloc(seeds * sizeof *files);
  if (files == NULL) return 2;
  for (unsigned long i = 0; i < seeds; ++i) files[i] = load(arguments[i + 3]);
  const time_t began = time(NULL);
  for (unsigned long n = 0; n < wanted; ++n) {
    const file *from = &files[n % seeds], *old = &kept[random % KEPT];
    if (n % 3 == 0 && old->data != NULL) from = old;
    memcpy(data, from->data, from->bytes);
    const size_t bytes = fuzz_mutate(data, from->bytes, MOST, &random);
    LLVMFuzzerTestOneInput(data, bytes);
    ++reached[fuzz_reached];
    if (fuzz_reached == 2 && n % 16 == 0) keep(&kept[n / 16 % KEPT], data, bytes);
    if ((n + 1) % 1000000 == 0 || n + 1 == wanted) {
      const double seconds = difftime(time(NULL), began);
      printf("%lu files in %.0f s: %lu refused, %lu accepted, %lu run\n", n + 1, seconds, reached[0],
             reached[1] + reached[2], reached[2]);
      fflush(stdout);
    }
  }
  for (unsigned long i = 0; i < seeds; ++i) free(files[i].data);
  for (unsigned long i = 0; i < KEPT; ++i) free(kept[i].data);
  free(files);
  return 0;
}

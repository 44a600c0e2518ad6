/* What both fuzzers call. */
#ifndef XL_FUZZ_TARGET_H
#define XL_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Opens a file and, if it is valid and small enough, runs it. Aborts where an invariant breaks; the rest is for the
 * sanitizers to find. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* 1 if the last file was valid, 2 if it ran too. */
extern int fuzz_reached;

/* Changes a file in place as a hostile writer might; returns its new size, at most `most`. */
size_t fuzz_mutate(uint8_t *data, size_t bytes, size_t most, uint32_t *random);

#endif

/* The same changes as a mutator of libFuzzer's, in turn with its own. */
#include "target.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t bytes, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned int seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t most, unsigned int seed) {
  uint32_t random = seed * 2654435761u | 1u;
  if (seed % 4 == 0) return LLVMFuzzerMutate(data, bytes, most);
  return fuzz_mutate(data, bytes, most, &random);
}

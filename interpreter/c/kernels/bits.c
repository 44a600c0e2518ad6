#include "bits.h"

#define FOUR(first) 1u << (first), 2u << (first), 4u << (first), 8u << (first)

const uint32_t xl_lane_bit[XL_WORD_BITS] = {
    FOUR(0), FOUR(4), FOUR(8), FOUR(12), FOUR(16), FOUR(20), FOUR(24), FOUR(28),
};

/* Entries of the functions for `activation` fields, by their numbers in a file. */
#include "entry.h"

#define FUNCTION(name, number)  \
  const xl_entry xl_op_##name[1] = { \
      {XL_FUNCTIONS + number, XL_ANY_TYPE, XL_ANY_TYPE, XL_ANY_TYPE, NULL, NULL, NULL, xl_##name, NULL, NULL}}

FUNCTION(relu, 1);
FUNCTION(sigmoid, 2);
FUNCTION(tanh, 3);
FUNCTION(hard_tanh, 4);
FUNCTION(elu, 5);
FUNCTION(selu, 6);
FUNCTION(celu, 7);
FUNCTION(softplus, 8);
FUNCTION(softsign, 9);
FUNCTION(silu, 10);
FUNCTION(gelu, 11);
FUNCTION(gelu_tanh, 12);
FUNCTION(hard_sigmoid, 13);
FUNCTION(hard_silu, 14);
FUNCTION(mish, 15);
FUNCTION(log_sigmoid, 16);
FUNCTION(tanh_shrink, 17);
FUNCTION(soft_shrink, 18);
FUNCTION(hard_shrink, 19);
FUNCTION(threshold, 20);
FUNCTION(squareplus, 21);
FUNCTION(sparse_plus, 22);
FUNCTION(sparse_sigmoid, 23);
FUNCTION(clip, 24);
FUNCTION(abs, 25);
FUNCTION(negate, 26);
FUNCTION(square, 27);
FUNCTION(sqrt, 28);
FUNCTION(rsqrt, 29);
FUNCTION(exp, 30);
FUNCTION(log, 31);
FUNCTION(round, 32);
FUNCTION(floor, 33);
FUNCTION(sign, 34);

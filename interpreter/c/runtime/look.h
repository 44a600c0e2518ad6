/* One op of a file as it is looked at: to hold it to its contract, and to fill its parameters. Internal. */
#ifndef XL_LOOK_H
#define XL_LOOK_H

#include "numbers.h"
#include "type.h"
#include "verify.h"

#define XL_SLOTS 6       /* of the ops that do not take any number of inputs */
#define XL_FUNCTIONS 256 /* entry number of activation 0 */
#define XL_NO_SLOT 255
#define XL_I8_OR_U8 254  /* element type of entries that take both */
#define XL_PARTS 8       /* inputs of CONCATENATE that need no workspace */

/* x, w: types of inputs 0 and 1, of rank 0 where they are absent; y: of output 0. tensor: the one that breaks a
 * rule, if it is one's. options: the table and its number in the union; 0 where there is none. */
typedef struct xl_look {
  const xl_model *m;
  xl_vector inputs, outputs;
  uint32_t options;
  int32_t tensor;
  uint16_t number;
  uint8_t options_number;
  xl_type x, w, y;
} xl_look;

typedef struct xl_concatenate_all {
  xl_concatenate_params p;
  xl_part parts[XL_PARTS];
} xl_concatenate_all;

/* What kernels read; one op's at a time, on the stack. */
typedef union xl_params {
  xl_conv2d_params conv2d;
  xl_conv3d_params conv3d;
  xl_dense_params dense;
  xl_rows_params rows;
  xl_bytes_params bytes;
  xl_quantize_params quantize;
  xl_activation_params activation;
  xl_binary_params binary;
  xl_planes_params planes;
  xl_prelu_params prelu;
  xl_pool2d_params pool2d;
  xl_pool3d_params pool3d;
  xl_concatenate_all concatenate;
  xl_reshape_params reshape;
  xl_pad_params pad;
  xl_transpose_params transpose;
  xl_slice_params slice;
  xl_tile_params tile;
  xl_reduce_params reduce;
  xl_resize_params resize;
  xl_embedding_params embedding;
  xl_custom custom;
} xl_params;

/* One kind of op.
 * check: holds inputs, options and the output to the contract (slots, presence and constants are checked before).
 * fill: the parameters; 0 where entries of this kind do not take this op. op->in and out are filled already.
 * options: the number of its options table; 0: none. slots, required: how many inputs it names, and how many of them
 * must be there; slots is 0 where it takes any number. constant, either: slots that must be constants, and that may,
 * a bit each. inplace: slots whose memory the output may take over, if it is as large. activation: the options' slot
 * of an activation, or XL_NO_SLOT. */
struct xl_kind {
  xl_rule (*check)(xl_look *l);
  int (*fill)(const xl_look *l, xl_op *op, xl_params *p);
  uint8_t options;
  uint8_t slots, required;
  uint8_t constant, either;
  uint8_t inplace;
  uint8_t activation;
};

/* Looks at op `index`. Its inputs and outputs are in range; those that x, w and y are may not be there. */
void xl_look_at(xl_look *l, const xl_model *m, uint32_t index);

/* Type of input `slot`; 0 where it is absent or not named. */
int xl_input_type(const xl_look *l, uint32_t slot, xl_type *t);
int xl_has_input(const xl_look *l, uint32_t slot);

/* Option number `slot`, an int32. */
int32_t xl_option(const xl_look *l, uint32_t slot, int32_t absent);

/* The rules of the whole op. */
xl_rule xl_check_op(xl_look *l);

/* The kind of an op by the entries for it, NULL where there are none. */
const xl_kind *xl_kind_of(const xl_look *l);

/* Workspace of the smallest entry and of the first one for it; UINT64_MAX where there is none. */
void xl_needs(const xl_look *l, uint64_t *least, uint64_t *first);

/* The first entry for op `index` whose workspace is at most `room`, with *op and *p filled; NULL: there is none. */
const xl_entry *xl_resolve(const xl_look *l, uint32_t index, uint64_t room, xl_op *op, xl_params *p);

/* The function for an activation, 1 and up; NULL where the table does not have it. */
xl_activation_fn xl_function(const xl_model *m, uint32_t activation);

/* Sets what an op is: its kind, the types of its elements, the name of a custom one. */
void xl_name_types(const xl_look *l, xl_error *error);

#endif

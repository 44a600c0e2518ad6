/* Errors as text. A program that does not call these functions does not hold the strings. */
#include "look.h"

#ifdef XL_NO_STRINGS

const char *xl_rule_text(xl_rule rule) {
  (void)rule;
  return "";
}

const char *xl_kind_name(uint16_t kind) {
  (void)kind;
  return "";
}

const char *xl_error_text(const xl_error *error, char *text, size_t bytes) {
  (void)error;
  if (bytes > 0) text[0] = 0;
  return text;
}

#else

#define TEXT(name, text) text,
static const char *const TEXTS[] = {XL_RULES(TEXT)};
#undef TEXT

static const char *const KINDS[] = {
    "CUSTOM",      "CONV_2D",       "DEPTHWISE_CONV_2D",
    "DENSE",       "BATCH_NORM",    "SIGN",
    "UNPACK",      "ACTIVATION",    "PRELU",
    "SOFTMAX",     "MAX_POOL_2D",   "AVERAGE_POOL_2D",
    "ADD",         "CONCATENATE",   "RESHAPE",
    "PAD",         "CONV_3D",       "CONV_3D_TRANSPOSE",
    "LOCALLY_CONNECTED_2D", "MAX_POOL_3D", "AVERAGE_POOL_3D",
    "SUBTRACT",    "MULTIPLY",      "DIVIDE",
    "MAXIMUM",     "MINIMUM",       "BIT_PLANES",
    "FROM_PLANES", "TRANSPOSE",     "SLICE",
    "TILE",        "REDUCE",        "RESIZE_BILINEAR_2D",
    "EMBEDDING",   "QUANTIZE",      "DEQUANTIZE",
};

static const char *const FUNCTIONS[] = {
    "NONE",       "RELU",        "SIGMOID",     "TANH",        "HARD_TANH",   "ELU",
    "SELU",       "CELU",        "SOFTPLUS",    "SOFTSIGN",    "SILU",        "GELU",
    "GELU_TANH",  "HARD_SIGMOID", "HARD_SILU",  "MISH",        "LOG_SIGMOID", "TANH_SHRINK",
    "SOFT_SHRINK", "HARD_SHRINK", "THRESHOLD",  "SQUAREPLUS",  "SPARSE_PLUS", "SPARSE_SIGMOID",
    "CLIP",       "ABS",         "NEGATE",      "SQUARE",      "SQRT",        "RSQRT",
    "EXP",        "LOG",         "ROUND",       "FLOOR",       "SIGN",
};

static const char *const DTYPES[] = {"f32", "i32", "i8", "u8", "b"};

const char *xl_rule_text(xl_rule rule) { return rule < XL_RULE_COUNT ? TEXTS[rule] : ""; }

const char *xl_kind_name(uint16_t kind) {
  if (kind < sizeof KINDS / sizeof *KINDS) return KINDS[kind];
  if (kind < XL_FUNCTIONS) return "";
  kind = (uint16_t)(kind - XL_FUNCTIONS);
  return kind < sizeof FUNCTIONS / sizeof *FUNCTIONS ? FUNCTIONS[kind] : "";
}

/* Text that grows in the caller's memory, and is cut where that ends. */
typedef struct writer {
  char *next, *end;
} writer;

static void put(writer *w, const char *text) {
  for (; *text != 0 && w->next < w->end; ++text) *w->next++ = *text;
}

static void put_number(writer *w, uint32_t n) {
  char digits[11];
  char *first = digits + 10;
  *first = 0;
  do {
    *--first = (char)('0' + n % 10);
    n /= 10;
  } while (n != 0);
  put(w, first);
}

static void put_types(writer *w, const xl_error *e) {
  const uint8_t types[3] = {e->x, e->weights, e->out};
  const char *before = " of ";
  for (int i = 0; i < 3; ++i) {
    if (types[i] >= sizeof DTYPES / sizeof *DTYPES) continue;
    put(w, before);
    put(w, DTYPES[types[i]]);
    before = i == 1 || types[1] >= sizeof DTYPES / sizeof *DTYPES ? " to " : ", ";
  }
}

/* Which op: "op 3 (CONV_2D of b, b to f32)". */
static void put_op(writer *w, const xl_error *e) {
  put(w, "op ");
  put_number(w, (uint32_t)e->op);
  put(w, " (");
  put(w, e->name != NULL ? e->name : xl_kind_name(e->kind));
  put_types(w, e);
  put(w, ")");
}

const char *xl_error_text(const xl_error *error, char *text, size_t bytes) {
  if (bytes == 0) return text;
  writer w = {text, text + bytes - 1};
  if (error->op >= 0) put_op(&w, error);
  if (error->op >= 0 && error->tensor >= 0) put(&w, ", ");
  if (error->tensor >= 0) {
    put(&w, "tensor ");
    put_number(&w, (uint32_t)error->tensor);
  }
  if (error->op >= 0 || error->tensor >= 0) put(&w, ": ");
  put(&w, xl_rule_text(error->rule));
  if (error->at != 0) {
    put(&w, " (at ");
    put_number(&w, error->at);
    put(&w, ")");
  }
  *w.next = 0;
  return text;
}

#endif

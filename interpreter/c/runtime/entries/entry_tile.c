/* TILE. */
#include "entry.h"
#include "rules.h"

static xl_rule check(xl_look *l) {
  const xl_vector multiples = xl_option_vector(l, XL_TILE_MULTIPLES);
  XL_REQUIRE(xl_is_moved(l), INPUT_DTYPE);
  XL_REQUIRE(multiples.count == l->x.rank, PARAMETER);
  XL_REQUIRE(l->y.rank == l->x.rank && l->y.dtype == l->x.dtype, OUTPUT_TYPE);
  for (uint32_t a = 0; a < l->x.rank; ++a) {
    const int32_t times = xl_item(l->m, multiples, a);
    XL_REQUIRE(times >= 1 && times <= (a == 0 ? 1 : XL_MAX_EXTENT), PARAMETER);
    XL_REQUIRE(l->y.shape[a] == (int64_t)l->x.shape[a] * times, OUTPUT_TYPE);
  }
  return XL_RULE_NONE;
}

static int fill(const xl_look *l, xl_op *op, xl_params *params) {
  const xl_vector multiples = xl_option_vector(l, XL_TILE_MULTIPLES);
  xl_tile_params *p = &params->tile;
  (void)op;
  p->rank = l->x.rank;
  xl_fill_shape(&l->x, p->shape);
  for (uint32_t a = 0; a < XL_MAX_RANK; ++a) p->multiples[a] = a < l->x.rank ? xl_item(l->m, multiples, a) : 0;
  return 1;
}

static const xl_kind KIND = {check, fill, XL_TILE_OPTIONS, 1, 1, 0, 0, 0, XL_NO_SLOT};

XL_ENTRY(tile_f32, XL_NUMBER_TILE, XL_F32, XL_ANY_TYPE, XL_F32, KIND, NULL);
XL_ENTRY(tile_b, XL_NUMBER_TILE, XL_B, XL_ANY_TYPE, XL_B, KIND, NULL);
XL_ENTRY(tile_8, XL_NUMBER_TILE, XL_I8_OR_U8, XL_ANY_TYPE, XL_I8_OR_U8, KIND, NULL);

/* Windows of floats with float or bit filters, a pixel at a time. */
#include <string.h>

#include "bits.h"
#include "dots_f32.h"
#include "volume.h"

typedef struct volume {
  const xl_volume *v;
  const float *weights; /* one of these two is NULL */
  const uint32_t *bits;
  const uint32_t *zeros; /* beside bits; NULL: no weight is 0 */
  int32_t group_c, group_out;
  ptrdiff_t k; /* elements of a window */
  float *row;  /* workspace */
} volume;

uint64_t xl_volume_f32_workspace(const xl_volume *v) {
  return (uint64_t)xl_volume_taps(v) * (uint64_t)xl_volume_group_c(v) * sizeof(float);
}

/* The window of output pixel `at`, with 0 outside. image: of this batch element, at the group's first channel. */
static void gather(const volume *c, const float *image, const int32_t *at) {
  const xl_axis *axis = c->v->axis;
  const size_t tap = (size_t)c->group_c * sizeof *c->row;
  float *to = c->row;
  for (int32_t i = 0; i < axis[0].window; ++i) {
    const int32_t z = xl_volume_tap(c->v, 0, at[0], i);
    for (int32_t j = 0; j < axis[1].window; ++j) {
      const int32_t y = xl_volume_tap(c->v, 1, at[1], j);
      const ptrdiff_t line = ((ptrdiff_t)z * axis[1].in + y) * axis[2].in;
      for (int32_t k = 0; k < axis[2].window; ++k, to += c->group_c) {
        const int32_t x = xl_volume_tap(c->v, 2, at[2], k);
        if (z >= 0 && y >= 0 && x >= 0) {
          memcpy(to, image + (line + x) * c->v->in_c, tap);
        } else {
          memset(to, 0, tap);
        }
      }
    }
  }
}

/* The dot product of the gathered window with a filter. */
static float dot(const volume *c, ptrdiff_t filter) {
  const ptrdiff_t words = xl_words(c->k);
  if (c->weights != NULL) return xl_dot_f32(c->row, c->weights + filter * c->k, c->k);
  if (c->zeros == NULL) return xl_dot_bits(c->row, c->bits + filter * words, NULL, c->k);
  return xl_dot_bits(c->row, c->bits + filter * words, c->zeros + filter * words, c->k);
}

/* One output pixel, all groups. filters: how many of them lie before its own. */
static void convolve_pixel(const volume *c, const float *image, const int32_t *at, ptrdiff_t filters, float *y) {
  for (int32_t g = 0; g < c->v->groups; ++g) {
    gather(c, image + g * c->group_c, at);
    for (int32_t f = g * c->group_out; f < (g + 1) * c->group_out; ++f) y[f] = dot(c, filters + f);
  }
}

void xl_volume_f32(const xl_op *op, const xl_volume *v, const float *weights, const uint32_t *bits) {
  const xl_axis *axis = v->axis;
  const xl_channels channels = xl_channels_of(op, v->activation);
  const float *image = (const float *)op->in[0];
  float *out = (float *)op->out;
  volume c;
  c.v = v;
  c.weights = weights;
  c.bits = bits;
  c.zeros = v->masked ? (const uint32_t *)op->in[5] : NULL;
  c.group_c = xl_volume_group_c(v);
  c.group_out = v->out_c / v->groups;
  c.k = (ptrdiff_t)xl_volume_taps(v) * c.group_c;
  c.row = (float *)op->workspace;
  for (int32_t n = 0; n < v->batch; ++n) {
    int32_t at[3];
    ptrdiff_t filters = 0;
    for (at[0] = 0; at[0] < axis[0].out; ++at[0]) {
      for (at[1] = 0; at[1] < axis[1].out; ++at[1]) {
        for (at[2] = 0; at[2] < axis[2].out; ++at[2], out += v->out_c) {
          convolve_pixel(&c, image, at, filters, out);
          xl_finish_f32(&channels, 0, v->out_c, out);
          if (v->local) filters += v->out_c;
        }
      }
    }
    image += (ptrdiff_t)axis[0].in * axis[1].in * axis[2].in * v->in_c;
  }
}

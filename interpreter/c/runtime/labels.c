/* What a program may want of the metadata. */
#include "floats.h"
#include "layout.h"
#include "flat.h"

static xl_vector labels_of(const xl_model *m) {
  const xl_vector none = {0, 0};
  return m->metadata_at == 0 ? none : xl_field_vector(m, m->metadata_at, XL_METADATA_LABELS);
}

uint32_t xl_model_labels(const xl_model *model) { return labels_of(model).count; }

const char *xl_model_label(const xl_model *model, uint32_t index) {
  return (const char *)(model->data + xl_table_at(model, labels_of(model).at, index) + 4);
}

void xl_model_preprocessing(const xl_model *model, float *scale, float *offset) {
  const uint32_t raw =
      model->metadata_at == 0 ? 0 : xl_field_table(model, model->metadata_at, XL_METADATA_PREPROCESSING);
  *scale = raw == 0 ? 1.0f : xl_field_f32(model, raw, XL_PREPROCESSING_SCALE, XL_ONE);
  *offset = raw == 0 ? 0.0f : xl_field_f32(model, raw, XL_PREPROCESSING_OFFSET, 0);
}

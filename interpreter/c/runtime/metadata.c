/* Rules of the metadata. Keys are compared with each other: with n entries that takes n^2 comparisons. */
#include "floats.h"
#include "layout.h"
#include "limits.h"
#include "verify.h"

static int same_text(const xl_model *m, xl_vector a, xl_vector b) {
  if (a.count != b.count) return 0;
  for (uint32_t i = 0; i < a.count; ++i) {
    if (m->data[a.at + i] != m->data[b.at + i]) return 0;
  }
  return 1;
}

static xl_rule check_keys(const xl_model *m, xl_vector entries) {
  for (uint32_t i = 1; i < entries.count; ++i) {
    const xl_vector key = xl_field_vector(m, xl_table_at(m, entries.at, i), XL_KEY_VALUE_KEY);
    for (uint32_t k = 0; k < i; ++k) {
      const xl_vector other = xl_field_vector(m, xl_table_at(m, entries.at, k), XL_KEY_VALUE_KEY);
      XL_REQUIRE(!same_text(m, key, other), METADATA);
    }
  }
  return XL_RULE_NONE;
}

xl_rule xl_check_metadata(const xl_model *m, xl_error *error) {
  (void)error;
  if (m->metadata_at == 0) return XL_RULE_NONE;
  const uint32_t raw = xl_field_table(m, m->metadata_at, XL_METADATA_PREPROCESSING);
  if (raw != 0) {
    XL_REQUIRE(xl_is_finite(xl_field_u32(m, raw, XL_PREPROCESSING_SCALE, XL_ONE)), METADATA);
    XL_REQUIRE(xl_is_finite(xl_field_u32(m, raw, XL_PREPROCESSING_OFFSET, 0)), METADATA);
  }
  return check_keys(m, xl_field_vector(m, m->metadata_at, XL_METADATA_ENTRIES));
}

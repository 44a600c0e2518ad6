/* A plugin for qemu, API version 1 (qemu 4.2 to 8.2): counts the instructions that a guest executes.
 *
 *     qemu-arm -plugin count.so,out=FILE program
 *
 * writes "total N" at the end, and before it a line "mark I N" for each system call whose first argument is
 * MARKS + I: how many instructions it took until there. Such a call fails, for example close() of that number.
 *
 * Debian packages no header of the API, so what is used of it is declared here. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { MARKS = 0x786c0000, MARK_COUNT = 0x10000, LONGEST_NAME = 4096 };

typedef uint64_t plugin_id;
struct qemu_plugin_tb; /* a stretch of code without a jump into it or out of it but at its ends */
typedef struct qemu_info_t qemu_info_t;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*on_translation)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_syscall)(plugin_id, unsigned vcpu, int64_t number, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                           uint64_t, uint64_t, uint64_t);
typedef void (*on_exit)(plugin_id, void *);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_translation);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum qemu_plugin_op, void *, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_syscall);
void qemu_plugin_register_atexit_cb(plugin_id, on_exit, void *);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED extern int qemu_plugin_version;
EXPORTED int qemu_plugin_install(plugin_id, const qemu_info_t *, int, char **);

int qemu_plugin_version = 1;

static uint64_t total;
static FILE *out;

static void translate(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &total, qemu_plugin_tb_n_insns(tb));
}

static void mark(plugin_id id, unsigned vcpu, int64_t number, uint64_t first, uint64_t a2, uint64_t a3, uint64_t a4,
                 uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8) {
  (void)id, (void)vcpu, (void)number, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
  if (first >= MARKS && first < (uint64_t)MARKS + MARK_COUNT) {
    fprintf(out, "mark %d %" PRIu64 "\n", (int)(first - MARKS), total);
    fflush(out);
  }
}

static void finish(plugin_id id, void *context) {
  (void)id, (void)context;
  fprintf(out, "total %" PRIu64 "\n", total);
  fclose(out);
}

int qemu_plugin_install(plugin_id id, const qemu_info_t *info, int count, char **arguments) {
  static const char option[] = "out=";
  (void)info;
  for (int i = 0; i < count; ++i) {
    if (!strncmp(arguments[i], option, sizeof option - 1)) out = fopen(arguments[i] + sizeof option - 1, "w");
  }
  if (out == NULL) {
    fprintf(stderr, "count: out=FILE is missing, or FILE cannot be written\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_vcpu_syscall_cb(id, mark);
  qemu_plugin_register_atexit_cb(id, finish, NULL);
  return 0;
}

/* A plugin for QEMU that counts the instructions that a program executes, by the function they lie in.
 *
 *   qemu-system-arm ... -plugin ./count.so,out=FILE
 *
 * FILE gets one line a function: its name, a space, the number; those without a symbol are "?". Debian's packages
 * have no qemu-plugin.h, so what is used of QEMU's plugin interface is declared here. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* QEMU 7 and 8 take plugins of version 1, later ones those of version 2 and on. */
#ifndef PLUGIN_VERSION
#define PLUGIN_VERSION 1
#endif

typedef uint64_t plugin_id;
typedef struct qemu_plugin_tb block;
typedef struct qemu_plugin_insn instruction;
typedef void (*executed)(unsigned int cpu, void *user);

size_t qemu_plugin_tb_n_insns(const block *b);
instruction *qemu_plugin_tb_get_insn(const block *b, size_t index);
const char *qemu_plugin_insn_symbol(const instruction *i);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, block *));
void qemu_plugin_register_vcpu_insn_exec_cb(instruction *i, executed call, int flags, void *user);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*ended)(plugin_id, void *), void *user);
#if PLUGIN_VERSION == 1
void qemu_plugin_register_vcpu_insn_exec_inline(instruction *i, int operation, void *counter, uint64_t step);
#endif

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int qemu_plugin_version = PLUGIN_VERSION;

typedef struct function {
  struct function *next;
  uint64_t count;
  char name[];
} function;

#define BUCKETS 1024
static function *functions[BUCKETS];
static char path[4096];

static function *find(const char *name) {
  uint32_t hash = 2166136261u;
  for (const char *c = name; *c; ++c) hash = (hash ^ (unsigned char)*c) * 16777619u;
  function **bucket = &functions[hash % BUCKETS];
  for (function *f = *bucket; f; f = f->next) {
    if (!strcmp(f->name, name)) return f;
  }
  const size_t length = strlen(name) + 1;
  function *made = malloc(sizeof *made + length);
  if (!made) abort();
  memcpy(made->name, name, length);
  made->count = 0;
  made->next = *bucket;
  *bucket = made;
  return made;
}

#if PLUGIN_VERSION == 1
static void count(instruction *i, uint64_t *counter) {
  qemu_plugin_register_vcpu_insn_exec_inline(i, 0 /* add */, counter, 1);
}
#else
static void add_one(unsigned int cpu, void *counter) {
  (void)cpu;
  ++*(uint64_t *)counter;
}

static void count(instruction *i, uint64_t *counter) {
  qemu_plugin_register_vcpu_insn_exec_cb(i, add_one, 0 /* reads no registers */, counter);
}
#endif

static void translated(plugin_id id, block *b) {
  (void)id;
  const size_t n = qemu_plugin_tb_n_insns(b);
  for (size_t k = 0; k < n; ++k) {
    instruction *i = qemu_plugin_tb_get_insn(b, k);
    const char *name = qemu_plugin_insn_symbol(i);
    count(i, &find(name ? name : "?")->count);
  }
}

static void ended(plugin_id id, void *user) {
  (void)id;
  (void)user;
  FILE *file = fopen(path, "w");
  if (!file) return;
  for (size_t b = 0; b < BUCKETS; ++b) {
    for (function *f = functions[b]; f; f = f->next) {
      if (f->count) fprintf(file, "%s %llu\n", f->name, (unsigned long long)f->count);
    }
  }
  fclose(file);
}

EXPORTED int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    if (!strncmp(argv[i], "out=", 4)) snprintf(path, sizeof path, "%s", argv[i] + 4);
  }
  if (!path[0]) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}

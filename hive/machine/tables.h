/* What the tables of the machine know of each other; private to this folder. Each table is opaque outside its
 * own file. */
#ifndef MACHINE_TABLES_H
#define MACHINE_TABLES_H

#include <bsd/sys/tree.h>

#include "machine/machine.h"

/* The functions of a red-black tree, for one file: RB_GENERATE_STATIC, which needs an `__unused` that libbsd
 * leaves undefined on Linux. */
#define TABLE_TREE(name, row, link, compare)                                                                 \
    RB_GENERATE_INTERNAL(name, row, link, compare, __attribute__((unused)) static)

struct kv;
struct drones;
struct tasks;

struct machine {
    uint64_t applied_index;
    struct kv *kv;
    struct drones *drones;
    struct tasks *tasks;
};

struct kv *kv_create(void);
void kv_destroy(struct kv *kv);
struct drones *drones_create(void);
void drones_destroy(struct drones *drones);
struct tasks *tasks_create(void);
void tasks_destroy(struct tasks *tasks);

/* One command each, of log entry `index`. They find `*result` zeroed, which is MACHINE_OK. */
typedef void machine_apply_function(struct machine *machine, uint64_t index,
                                    const struct machine_command *command, struct machine_result *result);
machine_apply_function kv_put, kv_delete;
machine_apply_function drones_register, drones_remove;
machine_apply_function tasks_submit, tasks_assign, tasks_update;

/* One task more on the drone: NOT_FOUND where there is none, CONFLICT where it has all that it can do. */
enum machine_status drones_add_task(struct drones *drones, struct machine_bytes address);
/* One task less on the drone, which exists and has it. */
void drones_drop_task(struct drones *drones, struct machine_bytes address);

/* The drone is gone: what it had not started waits again, what it ran is lost. */
void tasks_release(struct tasks *tasks, struct machine_bytes address, int64_t time_ms);

/* In byte order, shorter first among equal starts: <0, 0 or >0. */
int machine_bytes_compare(struct machine_bytes a, struct machine_bytes b);
struct machine_bytes machine_bytes_of(const char *text);

/* Frees the old bytes and puts an own copy of the new ones there, with a NUL behind them. */
void machine_bytes_replace(struct machine_bytes *bytes, struct machine_bytes from);
void machine_text_replace(const char **text, struct machine_bytes from);

#endif

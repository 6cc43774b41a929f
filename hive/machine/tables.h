/* What the tables of the machine know of each other, and of the dump that is under way; private to this folder. Each table is
 * opaque outside its own file. */
#ifndef MACHINE_TABLES_H
#define MACHINE_TABLES_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "machine/bytes.h"
#include "machine/machine.h"

/* The functions of a red-black tree, for one file: RB_GENERATE_STATIC, which needs an `__unused` that libbsd
 * leaves undefined on Linux. */
#define TABLE_TREE(name, row, link, compare)                                                                 \
    RB_GENERATE_INTERNAL(name, row, link, compare, __attribute__((unused)) static)

enum { MACHINE_TABLES = 4 };

struct kv;
struct drones;
struct tasks;
struct sessions;

/* Some of what a dump saved. In small parts, as all of them may hold a second copy of the state: the thread that owns the machine must
 * not stand still while that is freed. */
struct dump_part {
    TAILQ_ENTRY(dump_part) link;
    struct hive_buffer bytes;
};
TAILQ_HEAD(dump_parts, dump_part);

/* The dump under way. Dumps have numbers, and each row has that of the last one that holds it (or must not hold it, as the row is
 * younger): so no row needs to be touched when a dump begins or is given up. */
struct dump {
    uint64_t number; /* of the one under way, or of the last; 0: there was none */
    bool is_under_way;
    size_t table;                /* that is being walked; those before are done */
    size_t left[MACHINE_TABLES]; /* rows that it lacks, by table */
    struct dump_parts saved;     /* the head, and rows that had to be taken before they changed */
    size_t saved_out;            /* so much of the first part was given out */
    struct dump_parts waste;     /* what a dump that was given up had saved: freed little by little */
};

struct machine {
    uint64_t applied_index;
    int64_t time_ms;  /* never negative, never falls */
    int64_t stamp_ms; /* of the command that time was last seen by; never negative */
    struct machine_chain chain;
    struct kv *kv;
    struct drones *drones;
    struct tasks *tasks;
    struct sessions *sessions;
    struct dump dump;
};

/* What all tables can do for a dump. The order of their rows is fixed by what they hold, never by how it came about. */
struct machine_table {
    const char *row_name; /* "key", "drone" … */
    size_t (*count)(const struct machine *machine);
    /* The walk of a dump starts before the first row. */
    void (*dump_begin)(struct machine *machine);
    /* Passes one row, of which there is at least one left, and appends it if the dump lacks it. */
    void (*dump_next)(struct machine *machine, struct hive_buffer *out);
    /* Adds a row that was read from a dump. NULL, or what is wrong with it. machine->applied_index and time_ms are set. */
    const char *(*load)(struct machine *machine, struct bytes_reader *row);
    /* All rows of all tables are loaded: makes the rest that follows from them. NULL, or what is wrong. */
    const char *(*load_end)(struct machine *machine);
    /* Goes on from `hash` with all that is stored. `scratch` is for the table's use. */
    uint64_t (*digest)(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch);
};
extern const struct machine_table kv_table, drones_table, tasks_table, sessions_table;
extern const struct machine_table *const machine_tables[MACHINE_TABLES];

/* True, once, where the dump under way is to hold this row of the table and has not got it yet. `row_dump` is the row's. */
bool dump_lacks(struct dump *dump, const struct machine_table *table, uint64_t *row_dump);
/* Where a row that is about to change is saved, whole. */
struct hive_buffer *dump_saved(struct dump *dump);
void dump_init(struct dump *dump);
void dump_finish(struct dump *dump);
/* Frees a little of what is waste. */
void dump_sweep(struct dump *dump);
/* A row in a dump: `at` = dump_row_begin, then its fields, then dump_row_end. */
size_t dump_row_begin(struct hive_buffer *buffer, const struct machine_table *table);
void dump_row_end(struct hive_buffer *buffer, size_t at);

struct kv *kv_create(void);
void kv_destroy(struct kv *kv);
struct drones *drones_create(void);
void drones_destroy(struct drones *drones);
struct tasks *tasks_create(void);
void tasks_destroy(struct tasks *tasks);
struct sessions *sessions_create(void);
void sessions_destroy(struct sessions *sessions);

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
/* A task of a dump is on this drone. False: there is none. */
bool drones_load_task(struct drones *drones, struct machine_bytes address);

/* The drone is gone: what it had not started waits again, what it ran is lost. */
void tasks_release(struct machine *machine, struct machine_bytes address, int64_t time_ms);
/* How many tasks have ever finished, by the head of a dump; the other counts follow from the rows. */
void tasks_load_counts(struct tasks *tasks, const struct machine_task_counts *ever);

/* Forgets some of what has expired by now. */
void sessions_expire(struct machine *machine);
/* True where the command, which has an idempotency key, is not to be applied, as its key was used before or cannot be
 * remembered; *result says so. */
bool sessions_answer(struct machine *machine, const struct machine_command *command, uint64_t fingerprint,
                     struct machine_result *result);
/* The command was applied with this result: remembers it. */
void sessions_keep(struct machine *machine, uint64_t index, const struct machine_command *command,
                   uint64_t fingerprint, const struct machine_result *result);

/* Of an encoded command that could be decoded: its type and arguments, not its time and idempotency key. */
uint64_t machine_command_fingerprint(const void *data, size_t bytes);
/* 1 to HIVE_IDEMPOTENCY_KEY_BYTES printable ASCII characters. */
bool machine_is_idempotency_key(struct machine_bytes key);

#endif

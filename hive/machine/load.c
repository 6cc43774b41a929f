/* A dump back into a machine. The bytes may come from another queen, or from a person's backup: nothing in them is believed before
 * it is checked, and what is accepted is a machine that can go on, with every row in its place. The format opens dump.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "hive/memory.h"
#include "machine/dump_format.h"
#include "machine/tables.h"

/* So much is looked at at once, whatever is fed: what has come twice in memory stays small. */
#define SLICE_BYTES (64 * 1024)
/* No machine has lived for so long, and one that says so has room to go on. */
#define TIME_MAX_MS (INT64_MAX / 2)

struct machine_loader {
    struct machine *machine;
    struct hive_buffer pending; /* the start of what is not complete yet */
    bool has_head;
    uint64_t rows[MACHINE_TABLES]; /* by the head */
    uint64_t rows_left;            /* of all tables */
    struct hive_error fault;       /* what is wrong, once something is */
    bool is_bad;
};

struct machine_loader *machine_load_begin(void)
{
    struct machine_loader *loader = hive_calloc(1, sizeof *loader);
    loader->machine = machine_create();
    return loader;
}

void machine_load_abort(struct machine_loader *loader)
{
    if (!loader)
        return;
    machine_destroy(loader->machine);
    hive_buffer_finish(&loader->pending);
    free(loader);
}

static int refuse(struct machine_loader *loader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(struct machine_loader *loader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(loader->fault.message, sizeof loader->fault.message, format, arguments);
    va_end(arguments);
    loader->is_bad = true;
    return -EBADMSG;
}

static int load_head(struct machine_loader *loader, struct bytes_reader *reader)
{
    struct machine *machine = loader->machine;
    struct machine_task_counts ever = {0};

    if (memcmp(bytes_get(reader, DUMP_MAGIC_BYTES), DUMP_MAGIC, DUMP_MAGIC_BYTES) != 0)
        return refuse(loader, "these bytes are no dump of a state: they do not begin like one");
    uint64_t version = bytes_get_number(reader, 4);
    if (version != DUMP_VERSION)
        return refuse(loader, "a dump of format %" PRIu64 ": this version of hive knows format %d only",
                      version, DUMP_VERSION);
    machine->applied_index = bytes_get_number(reader, 8);
    machine->time_ms = (int64_t)bytes_get_number(reader, 8);
    machine->stamp_ms = (int64_t)bytes_get_number(reader, 8);
    if (machine->time_ms < 0 || machine->time_ms > TIME_MAX_MS || machine->stamp_ms < 0)
        return refuse(loader, "the dump is damaged: its time is out of range");
    for (size_t i = 0; i < MACHINE_TABLES; i++) {
        loader->rows[i] = bytes_get_number(reader, 8);
        if (__builtin_add_overflow(loader->rows_left, loader->rows[i], &loader->rows_left))
            return refuse(loader, "the dump is damaged: it cannot have so many rows");
    }
    ever.succeeded = bytes_get_number(reader, 8);
    ever.failed = bytes_get_number(reader, 8);
    ever.stopped = bytes_get_number(reader, 8);
    ever.lost = bytes_get_number(reader, 8);
    tasks_load_counts(machine->tasks, &ever);
    machine->chain.index = bytes_get_number(reader, 8);
    machine->chain.hash = bytes_get_number(reader, 8);
    machine->chain.group = bytes_get_number(reader, 8);
    loader->has_head = true;
    return 0;
}

static int load_row(struct machine_loader *loader, uint64_t table, struct bytes_reader *row)
{
    const struct machine_table *place = machine_tables[table - 1];
    const char *fault = place->load(loader->machine, row);

    if (!fault && row->left)
        fault = "there is something behind its last field";
    if (!fault && place->count(loader->machine) > loader->rows[table - 1])
        fault = "it is one more than the dump says that it has";
    if (fault)
        return refuse(loader, "the dump is damaged at %s %zu: %s", place->row_name,
                      place->count(loader->machine), fault);
    loader->rows_left--;
    return 0;
}

/* Takes the head or a row off the reader, if it is there as a whole. 1: taken; 0: more must come first. */
static int load_next(struct machine_loader *loader, struct bytes_reader *reader)
{
    struct bytes_reader ahead = *reader;

    if (!loader->has_head) {
        if (reader->left < DUMP_HEAD_BYTES)
            return 0;
        int status = load_head(loader, reader);
        return status ? status : 1;
    }
    if (reader->left && !loader->rows_left)
        return refuse(loader, "the dump is damaged: there is something behind its last row");
    uint64_t table = bytes_get_number(&ahead, 1);
    uint64_t bytes = bytes_get_number(&ahead, 4);
    if (ahead.is_short)
        return 0;
    if (table < 1 || table > MACHINE_TABLES || bytes > DUMP_ROW_BYTES_MAX)
        return refuse(loader, "the dump is damaged: a row of %" PRIu64 " bytes in table %" PRIu64, bytes,
                      table);
    if (bytes > ahead.left)
        return 0;
    struct bytes_reader row = {.data = bytes_get(&ahead, bytes), .left = bytes};
    *reader = ahead;
    int status = load_row(loader, table, &row);
    return status ? status : 1;
}

static int load_slice(struct machine_loader *loader, const void *data, size_t bytes)
{
    hive_buffer_append(&loader->pending, data, bytes);
    struct bytes_reader reader = {.data = (const unsigned char *)loader->pending.data,
                                  .left = loader->pending.size};
    int taken;
    do
        taken = load_next(loader, &reader);
    while (taken > 0);
    hive_buffer_consume(&loader->pending, loader->pending.size - reader.left);
    return taken;
}

int machine_load_feed(struct machine_loader *loader, const void *data, size_t bytes, struct hive_error *error)
{
    const char *next = data;

    while (bytes && !loader->is_bad) {
        size_t slice = bytes < SLICE_BYTES ? bytes : SLICE_BYTES;
        load_slice(loader, next, slice);
        next += slice;
        bytes -= slice;
    }
    return loader->is_bad ? hive_error_set(error, -EBADMSG, "%s", loader->fault.message) : 0;
}

static int finish(struct machine_loader *loader)
{
    if (loader->is_bad)
        return -EBADMSG;
    if (!loader->has_head || loader->rows_left || loader->pending.size)
        return refuse(loader, "the dump is cut short");
    for (size_t i = 0; i < MACHINE_TABLES; i++) {
        /* The sum of all rows is right, and no table has too many: each has what it should. */
        const char *fault = machine_tables[i]->load_end(loader->machine);
        if (fault)
            return refuse(loader, "the dump is damaged among its %ss: %s", machine_tables[i]->row_name,
                          fault);
    }
    return 0;
}

int machine_load_end(struct machine_loader *loader, struct machine **machine, struct hive_error *error)
{
    int status = finish(loader);

    *machine = NULL;
    if (status)
        hive_error_set(error, status, "%s", loader->fault.message);
    else {
        *machine = loader->machine;
        loader->machine = NULL;
    }
    machine_load_abort(loader);
    return status;
}

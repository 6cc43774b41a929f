/* Whole dumps in one call, for the machine's tests. */
#ifndef UNIT_MACHINE_LOAD_H
#define UNIT_MACHINE_LOAD_H

#include <errno.h>

#include "unit/machine_apply.h"

static inline void dump_whole(struct machine *machine, struct hive_buffer *out)
{
    hive_buffer_clear(out);
    machine_dump_begin(machine);
    while (machine_dump_next(machine, out, 1 << 20))
        ;
}

/* NULL: they are no dump, and *error says why. */
static inline struct machine *load_bytes(const void *data, size_t bytes, struct hive_error *error)
{
    struct machine_loader *loader = machine_load_begin();
    struct machine *machine;

    *error = (struct hive_error){0};
    int fed = machine_load_feed(loader, data, bytes, error);
    int ended = machine_load_end(loader, &machine, error);
    assert_true(ended == 0 || ended == -EBADMSG);
    assert_true(fed == 0 || (fed == -EBADMSG && ended == fed));
    assert_int_equal(ended == 0, machine != NULL);
    assert_int_equal(ended == 0, error->message[0] == '\0');
    return machine;
}

static inline struct machine *load_dump(const struct hive_buffer *dump)
{
    struct hive_error error;
    struct machine *machine = load_bytes(dump->data, dump->size, &error);
    if (!machine)
        fail_msg("%s", error.message);
    return machine;
}

/* A new machine that is as this one is now. */
static inline struct machine *copy_of(struct machine *machine)
{
    struct hive_buffer dump = {0};
    dump_whole(machine, &dump);
    struct machine *copy = load_dump(&dump);
    hive_buffer_finish(&dump);
    return copy;
}

#endif

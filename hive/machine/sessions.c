/* The table of sessions: what became of the commands that had an idempotency key, so that a client which lost an answer may ask
 * again and the command still happens once (§6.3). The dissertation gives each client a session, and with it a number for each of its
 * commands; here each command names itself, so that no session needs to be opened: curl can do it.
 *
 * A result is kept for HIVE_SESSION_MS by the machine's time, which is the leaders': every queen forgets at the same index. Where HIVE_SESSIONS
 * are not enough the oldest goes early, but none before HIVE_SESSION_FLOOR_MS: a retry that finds nothing would be applied a second
 * time, which is worse than telling a new client to wait. */
#include <bsd/sys/queue.h>

#include "machine/tables.h"

#include "hive/memory.h"

/* Expired ones that one command removes at most: a command adds one, so the table empties, and none has to wait for a long row of
 * them. What has expired counts as gone in any case. */
#define EXPIRE_AT_ONCE 8

struct session_row {
    RB_ENTRY(session_row) by_key;
    TAILQ_ENTRY(session_row) link;
    uint64_t dump;         /* see struct dump */
    uint64_t index;        /* of the log entry; the order in which they expire, too */
    int64_t time_ms;       /* machine_time_ms when it was applied */
    uint64_t fingerprint;  /* of the command */
    uint64_t result_index; /* the rest is struct machine_result's */
    uint64_t result_task;
    uint32_t result_attempt;
    uint8_t status, type;
    bool created;
    struct machine_bytes key; /* its bytes are behind the row */
};

RB_HEAD(key_tree, session_row);
TAILQ_HEAD(session_list, session_row);

struct sessions {
    struct key_tree by_key;
    struct session_list by_index; /* rising: log indexes do */
    size_t count;
    struct session_row *dump_next; /* the row that the walk of a dump comes to next */
};

static int key_compare(const struct session_row *a, const struct session_row *b)
{
    return machine_bytes_compare(a->key, b->key);
}

TABLE_TREE(key_tree, session_row, by_key, key_compare)

struct sessions *sessions_create(void)
{
    struct sessions *sessions = hive_calloc(1, sizeof *sessions);
    TAILQ_INIT(&sessions->by_index);
    return sessions;
}

static void row_remove(struct sessions *sessions, struct session_row *row)
{
    if (sessions->dump_next == row)
        sessions->dump_next = TAILQ_NEXT(row, link);
    RB_REMOVE(key_tree, &sessions->by_key, row);
    TAILQ_REMOVE(&sessions->by_index, row, link);
    sessions->count--;
    free(row);
}

void sessions_destroy(struct sessions *sessions)
{
    struct session_row *row, *next;

    TAILQ_FOREACH_SAFE(row, &sessions->by_index, link, next)
    free(row);
    free(sessions);
}

static struct session_row *row_find(struct sessions *sessions, struct machine_bytes key)
{
    return RB_FIND(key_tree, &sessions->by_key, &(struct session_row){.key = key});
}

/* The key is not there yet, and the index is the greatest, but while a dump is loaded. */
static struct session_row *row_add(struct sessions *sessions, uint64_t index, struct machine_bytes key)
{
    struct session_row *row = hive_calloc(1, sizeof *row + key.size);
    memcpy(row + 1, key.data, key.size);
    row->key = (struct machine_bytes){(const char *)(row + 1), key.size};
    row->index = index;
    RB_INSERT(key_tree, &sessions->by_key, row);
    TAILQ_INSERT_TAIL(&sessions->by_index, row, link);
    sessions->count++;
    return row;
}

static void row_encode(const struct session_row *row, struct hive_buffer *out)
{
    size_t at = dump_row_begin(out, &sessions_table);
    bytes_put_number(out, row->index, 8);
    bytes_put_number(out, (uint64_t)row->time_ms, 8);
    bytes_put_number(out, row->fingerprint, 8);
    bytes_put_number(out, row->status, 1);
    bytes_put_number(out, row->type, 1);
    bytes_put_number(out, row->created, 1);
    bytes_put_number(out, row->result_index, 8);
    bytes_put_number(out, row->result_task, 8);
    bytes_put_number(out, row->result_attempt, 4);
    bytes_put_string(out, row->key);
    dump_row_end(out, at);
}

/* Rows never change: they come and go. */
static void row_forget(struct machine *machine, struct session_row *row)
{
    if (dump_lacks(&machine->dump, &sessions_table, &row->dump))
        row_encode(row, dump_saved(&machine->dump));
    row_remove(machine->sessions, row);
}

/* Neither time is negative, and no row is younger than the machine. */
static int64_t age_ms(const struct machine *machine, const struct session_row *row)
{
    return machine->time_ms - row->time_ms;
}

void sessions_expire(struct machine *machine)
{
    for (int i = 0; i < EXPIRE_AT_ONCE; i++) {
        struct session_row *oldest = TAILQ_FIRST(&machine->sessions->by_index);
        if (!oldest || age_ms(machine, oldest) < HIVE_SESSION_MS)
            return;
        row_forget(machine, oldest);
    }
}

/* Whether there is no place for one more, and none may be made. */
static bool is_full(const struct machine *machine)
{
    return machine->sessions->count >= HIVE_SESSIONS &&
           age_ms(machine, TAILQ_FIRST(&machine->sessions->by_index)) < HIVE_SESSION_FLOOR_MS;
}

bool sessions_answer(struct machine *machine, const struct machine_command *command, uint64_t fingerprint,
                     struct machine_result *result)
{
    struct session_row *row = row_find(machine->sessions, command->idempotency_key);

    if (row && age_ms(machine, row) >= HIVE_SESSION_MS) {
        row_forget(machine, row); /* its turn to be removed had not come */
        row = NULL;
    }
    if (!row) {
        if (is_full(machine))
            result->status = MACHINE_FULL;
        return result->status == MACHINE_FULL;
    }
    if (row->fingerprint != fingerprint) {
        result->status = MACHINE_KEY_REUSED;
        return true;
    }
    *result = (struct machine_result){.status = (enum machine_status)row->status,
                                      .type = (enum machine_command_type)row->type,
                                      .created = row->created,
                                      .index = row->result_index,
                                      .task = row->result_task,
                                      .attempt = row->result_attempt,
                                      .replayed = true};
    return true;
}

void sessions_keep(struct machine *machine, uint64_t index, const struct machine_command *command,
                   uint64_t fingerprint, const struct machine_result *result)
{
    struct sessions *sessions = machine->sessions;

    if (sessions->count >= HIVE_SESSIONS)
        row_forget(machine, TAILQ_FIRST(&sessions->by_index));
    struct session_row *row = row_add(sessions, index, command->idempotency_key);
    row->dump = machine->dump.number;
    row->time_ms = machine->time_ms;
    row->fingerprint = fingerprint;
    row->status = (uint8_t)result->status;
    row->type = (uint8_t)result->type;
    row->created = result->created;
    row->result_index = result->index;
    row->result_task = result->task;
    row->result_attempt = result->attempt;
}

size_t machine_session_count(const struct machine *machine)
{
    return machine->sessions->count;
}

static void dump_begin(struct machine *machine)
{
    machine->sessions->dump_next = TAILQ_FIRST(&machine->sessions->by_index);
}

static void dump_next(struct machine *machine, struct hive_buffer *out)
{
    struct session_row *row = machine->sessions->dump_next;
    machine->sessions->dump_next = TAILQ_NEXT(row, link);
    if (dump_lacks(&machine->dump, &sessions_table, &row->dump))
        row_encode(row, out);
}

static const char *load(struct machine *machine, struct bytes_reader *reader)
{
    struct sessions *sessions = machine->sessions;
    struct session_row read = {0};
    struct machine_bytes key;

    read.index = bytes_get_number(reader, 8);
    read.time_ms = (int64_t)bytes_get_number(reader, 8);
    read.fingerprint = bytes_get_number(reader, 8);
    read.status = (uint8_t)bytes_get_number(reader, 1);
    read.type = (uint8_t)bytes_get_number(reader, 1);
    uint64_t created = bytes_get_number(reader, 1);
    read.result_index = bytes_get_number(reader, 8);
    read.result_task = bytes_get_number(reader, 8);
    read.result_attempt = (uint32_t)bytes_get_number(reader, 4);
    if (!bytes_get_string(reader, 1, HIVE_IDEMPOTENCY_KEY_BYTES, &key) || !machine_is_idempotency_key(key))
        return "it is no idempotency key";
    if (read.index < 1 || read.index > machine->applied_index || read.time_ms < 0 ||
        read.time_ms > machine->time_ms)
        return "its index or time is out of range";
    if (read.status > MACHINE_CONFLICT || read.type < MACHINE_KV_PUT || read.type > MACHINE_TASK_UPDATE ||
        created > 1 || read.result_index > read.index || read.result_task > read.index)
        return "its result is none";
    if (sessions->count >= HIVE_SESSIONS)
        return "there are too many";
    if (row_find(sessions, key))
        return "it is there twice";

    struct session_row *row = row_add(sessions, read.index, key);
    row->time_ms = read.time_ms;
    row->fingerprint = read.fingerprint;
    row->status = read.status;
    row->type = read.type;
    row->created = created;
    row->result_index = read.result_index;
    row->result_task = read.result_task;
    row->result_attempt = read.result_attempt;
    return NULL;
}

static int index_compare(const void *a, const void *b)
{
    const struct session_row *one = *(struct session_row *const *)a, *other = *(struct session_row *const *)b;
    return (one->index > other->index) - (one->index < other->index);
}

/* Rows that were forgotten while the dump was taken stand before their turn in it. */
static const char *load_end(struct machine *machine)
{
    struct sessions *sessions = machine->sessions;
    struct session_row **rows = hive_calloc(sessions->count, sizeof(struct session_row *)), *row;
    const char *fault = NULL;
    size_t count = 0;

    TAILQ_FOREACH(row, &sessions->by_index, link)
    rows[count++] = row;
    qsort(rows, count, sizeof(struct session_row *), index_compare);
    TAILQ_INIT(&sessions->by_index);
    for (size_t i = 0; i < count; i++) {
        TAILQ_INSERT_TAIL(&sessions->by_index, rows[i], link);
        if (i > 0 && rows[i]->index == rows[i - 1]->index)
            fault = "an index is there twice";
        else if (i > 0 && rows[i]->time_ms < rows[i - 1]->time_ms)
            fault = "times fall while indexes rise";
    }
    free(rows);
    return fault;
}

/* All that row_encode writes; but there may be very many, and to hash them as they are takes half as long. */
static uint64_t row_hash(const struct session_row *row, uint64_t hash)
{
    hash = bytes_hash_number(hash, row->index);
    hash = bytes_hash_number(hash, (uint64_t)row->time_ms);
    hash = bytes_hash_number(hash, row->fingerprint);
    hash = bytes_hash_number(hash, row->result_index);
    hash = bytes_hash_number(hash, row->result_task);
    hash = bytes_hash_number(hash, (uint64_t)row->result_attempt << 32 | (uint64_t)row->created << 16 |
                                       (uint64_t)row->type << 8 | row->status);
    return bytes_hash(hash, row->key.data, row->key.size);
}

/* Whether the keys rise in the order in which rows are found by them. *place_sum: of the rows that are. */
static bool keys_rise(struct sessions *sessions, uintptr_t *place_sum)
{
    struct session_row *row, *last = NULL;

    RB_FOREACH(row, key_tree, &sessions->by_key)
    {
        if (last && key_compare(last, row) >= 0)
            return false;
        *place_sum += (uintptr_t)row;
        last = row;
    }
    return true;
}

static uint64_t digest(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch)
{
    struct sessions *sessions = machine->sessions;
    struct session_row *row;
    uintptr_t by_index = 0, by_key = 0; /* sums, as the orders differ */

    (void)scratch;
    TAILQ_FOREACH(row, &sessions->by_index, link)
    {
        hash = row_hash(row, hash);
        by_index += (uintptr_t)row;
    }
    /* And that each is found by its key; to look for one after the other would take most of the time of a digest. */
    hash = bytes_hash_number(hash, keys_rise(sessions, &by_key) && by_key == by_index);
    return bytes_hash_number(hash, sessions->count);
}

const struct machine_table sessions_table = {
    "session", machine_session_count, dump_begin, dump_next, load, load_end, digest,
};

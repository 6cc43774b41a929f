/* The table of tasks in a dump. A dump has what cannot be told from the rest: in which order the finished ones ended, and how many
 * there ever were of each kind. Lists, the other counts, and how many tasks each drone has follow from the rows. */
#include "machine/task_rows.h"

#include "hive/memory.h"

static void row_encode(const struct task_row *row, struct hive_buffer *out)
{
    const struct machine_task *task = &row->task;
    size_t at = dump_row_begin(out, &tasks_table);
    bytes_put_number(out, task->number, 8);
    bytes_put_number(out, task->state, 1);
    bytes_put_number(out, task->attempt, 4);
    bytes_put_number(out, (uint64_t)task->submitted_at_ms, 8);
    bytes_put_number(out, (uint64_t)task->assigned_at_ms, 8);
    bytes_put_number(out, (uint64_t)task->finished_at_ms, 8);
    bytes_put_number(out, row->end, 8);
    bytes_put_string(out, machine_bytes_of(task->name));
    bytes_put_string(out, task->text);
    bytes_put_string(out, machine_bytes_of(task->drone));
    bytes_put_string(out, machine_bytes_of(task->detail));
    dump_row_end(out, at);
}

void task_row_save(struct machine *machine, struct task_row *row)
{
    if (dump_lacks(&machine->dump, &tasks_table, &row->dump))
        row_encode(row, dump_saved(&machine->dump));
}

static size_t count_rows(const struct machine *machine)
{
    return machine->tasks->count;
}

static void dump_begin(struct machine *machine)
{
    machine->tasks->dump_next = RB_MIN(task_tree, &machine->tasks->rows);
}

static void dump_next(struct machine *machine, struct hive_buffer *out)
{
    struct task_row *row = machine->tasks->dump_next;
    machine->tasks->dump_next = RB_NEXT(task_tree, , row);
    if (dump_lacks(&machine->dump, &tasks_table, &row->dump))
        row_encode(row, out);
}

void tasks_load_counts(struct tasks *tasks, const struct machine_task_counts *ever)
{
    tasks->counts = (struct machine_task_counts){0};
    tasks->counts.succeeded = ever->succeeded;
    tasks->counts.failed = ever->failed;
    tasks->counts.stopped = ever->stopped;
    tasks->counts.lost = ever->lost;
}

/* NULL, or what is wrong with a task by itself. */
static const char *check(const struct machine *machine, const struct machine_task *task, uint64_t end)
{
    if (task->number < 1 || task->number > machine->applied_index)
        return "its number is out of range";
    if (task->state < MACHINE_TASK_PENDING || task->state > MACHINE_TASK_LOST)
        return "its state is unknown";
    bool is_on_drone = task->state == MACHINE_TASK_ASSIGNED || task->state == MACHINE_TASK_RUNNING;
    bool is_finished = task->state >= MACHINE_TASK_SUCCEEDED;
    if (is_finished != (end > 0))
        return "its state and its place among the finished ones do not fit";
    if ((is_on_drone || is_finished) && task->attempt < 1)
        return "it was never assigned, but is past that";
    if ((task->state == MACHINE_TASK_PENDING && task->assigned_at_ms) ||
        (!is_finished && task->finished_at_ms))
        return "it has a time of what has not happened";
    return NULL;
}

static const char *load(struct machine *machine, struct bytes_reader *reader)
{
    struct tasks *tasks = machine->tasks;
    struct machine_task task = {0};
    struct machine_bytes name, drone, detail;

    task.number = bytes_get_number(reader, 8);
    task.state = (enum machine_task_state)bytes_get_number(reader, 1);
    task.attempt = (uint32_t)bytes_get_number(reader, 4);
    task.submitted_at_ms = (int64_t)bytes_get_number(reader, 8);
    task.assigned_at_ms = (int64_t)bytes_get_number(reader, 8);
    task.finished_at_ms = (int64_t)bytes_get_number(reader, 8);
    uint64_t end = bytes_get_number(reader, 8);
    if (!bytes_get_text(reader, 0, HIVE_NAME_BYTES - 1, &name) ||
        !bytes_get_string(reader, 0, HIVE_TASK_TEXT_BYTES, &task.text) ||
        !bytes_get_text(reader, 0, HIVE_ADDRESS_BYTES - 1, &drone) ||
        !bytes_get_text(reader, 0, HIVE_ERROR_BYTES - 1, &detail))
        return "one of its texts is too long or no text";
    const char *fault = check(machine, &task, end);
    if (fault)
        return fault;
    if (task_row_find(tasks, task.number))
        return "it is there twice";

    struct task_row *row = hive_calloc(1, sizeof *row);
    row->task = task;
    row->task.text.data = hive_memdup(task.text.data, task.text.size);
    row->task.name = hive_memdup(name.data, name.size);
    row->task.drone = hive_memdup(drone.data, drone.size);
    row->task.detail = hive_memdup(detail.data, detail.size);
    row->end = end;
    RB_INSERT(task_tree, &tasks->rows, row);
    tasks->count++;
    return NULL;
}

/* Puts a row that was loaded where it belongs besides the tree. `by_end` are the places of the finished ones, from the one that
 * finished as the `first`. NULL, or what is wrong. */
static const char *place(struct machine *machine, struct task_row *row, struct task_row **by_end,
                         uint64_t first)
{
    struct tasks *tasks = machine->tasks;

    if (row->end) {
        /* Only the last ones are remembered, and all of them: whoever has a place has it alone, so no place stays empty. */
        if (row->end < first || row->end > tasks->finished_ever || by_end[row->end - first])
            return "a finished one's place is not its own";
        by_end[row->end - first] = row;
        return NULL;
    }
    TAILQ_INSERT_TAIL(&tasks->unfinished, row, link);
    ++*task_count_of(&tasks->counts, row->task.state);
    if (row->task.state != MACHINE_TASK_PENDING &&
        !drones_load_task(machine->drones, machine_bytes_of(row->task.drone)))
        return "one is on a drone that is not there";
    return NULL;
}

/* The counts of the head against the rows; counts the finished ones. NULL, or what is wrong. */
static const char *check_counts(struct tasks *tasks)
{
    struct machine_task_counts there = {0}, *ever = &tasks->counts;
    struct task_row *row;

    RB_FOREACH(row, task_tree, &tasks->rows)
    {
        ++*task_count_of(&there, row->task.state);
        tasks->finished_count += row->end > 0;
    }
    if (there.succeeded > ever->succeeded || there.failed > ever->failed || there.stopped > ever->stopped ||
        there.lost > ever->lost)
        return "more have finished than are counted";
    if (__builtin_add_overflow(ever->succeeded, ever->failed, &tasks->finished_ever) ||
        __builtin_add_overflow(tasks->finished_ever, ever->stopped, &tasks->finished_ever) ||
        __builtin_add_overflow(tasks->finished_ever, ever->lost, &tasks->finished_ever))
        return "more have finished than can be counted";
    if (tasks->finished_count > HIVE_TASKS_FINISHED ||
        tasks->count - tasks->finished_count > HIVE_TASKS_UNFINISHED)
        return "there are too many";
    return NULL;
}

static const char *load_end(struct machine *machine)
{
    struct tasks *tasks = machine->tasks;
    struct task_row *row;

    const char *fault = check_counts(tasks);
    if (fault)
        return fault;
    struct task_row **by_end = hive_calloc(tasks->finished_count, sizeof *by_end);
    RB_FOREACH(row, task_tree, &tasks->rows)
    {
        fault = place(machine, row, by_end, tasks->finished_ever - tasks->finished_count + 1);
        if (fault)
            break;
    }
    for (size_t i = 0; !fault && i < tasks->finished_count; i++)
        TAILQ_INSERT_TAIL(&tasks->finished, by_end[i], link);
    free(by_end);
    return fault;
}

static uint64_t digest(const struct machine *machine, uint64_t hash, struct hive_buffer *scratch)
{
    struct tasks *tasks = machine->tasks;
    struct task_row *row;

    RB_FOREACH(row, task_tree, &tasks->rows)
    {
        hive_buffer_clear(scratch);
        row_encode(row, scratch);
        hash = bytes_hash(hash, scratch->data, scratch->size);
    }
    TAILQ_FOREACH(row, &tasks->unfinished, link)
    hash = bytes_hash_number(hash, row->task.number);
    TAILQ_FOREACH(row, &tasks->finished, link)
    hash = bytes_hash_number(hash, row->task.number);
    hash = bytes_hash_number(hash, tasks->count);
    hash = bytes_hash_number(hash, tasks->finished_count);
    hash = bytes_hash_number(hash, tasks->finished_ever);
    return bytes_hash(hash, &tasks->counts, sizeof tasks->counts);
}

const struct machine_table tasks_table = {
    "task", count_rows, dump_begin, dump_next, load, load_end, digest,
};

/* The table of tasks, from submission to the end. All are found by number; besides, each stands in one of two
 * lists: the unfinished ones, so that a scheduler never walks past what is done, and the finished ones in the
 * order of their end, so that the oldest can be forgotten. */
#include "machine/task_rows.h"

#include "hive/memory.h"

RB_GENERATE_INTERNAL(task_tree, task_row, by_number, task_row_compare, )

int task_row_compare(const struct task_row *a, const struct task_row *b)
{
    return (a->task.number > b->task.number) - (a->task.number < b->task.number);
}

struct tasks *tasks_create(void)
{
    struct tasks *tasks = hive_calloc(1, sizeof *tasks);
    TAILQ_INIT(&tasks->unfinished);
    TAILQ_INIT(&tasks->finished);
    return tasks;
}

void task_row_destroy(struct task_row *row)
{
    free((void *)row->task.name);
    free((void *)row->task.text.data);
    free((void *)row->task.drone);
    free((void *)row->task.detail);
    free(row);
}

static void row_remove(struct tasks *tasks, struct task_row *row)
{
    if (tasks->dump_next == row)
        tasks->dump_next = RB_NEXT(task_tree, , row);
    RB_REMOVE(task_tree, &tasks->rows, row);
    tasks->count--;
    task_row_destroy(row);
}

void tasks_destroy(struct tasks *tasks)
{
    struct task_row *row, *next;

    RB_FOREACH_SAFE(row, task_tree, &tasks->rows, next)
    row_remove(tasks, row);
    free(tasks);
}

struct task_row *task_row_find(struct tasks *tasks, uint64_t number)
{
    return RB_FIND(task_tree, &tasks->rows, &(struct task_row){.task.number = number});
}

uint64_t *task_count_of(struct machine_task_counts *counts, enum machine_task_state state)
{
    uint64_t *const places[] = {
        [MACHINE_TASK_PENDING] = &counts->pending, [MACHINE_TASK_ASSIGNED] = &counts->assigned,
        [MACHINE_TASK_RUNNING] = &counts->running, [MACHINE_TASK_SUCCEEDED] = &counts->succeeded,
        [MACHINE_TASK_FAILED] = &counts->failed,   [MACHINE_TASK_STOPPED] = &counts->stopped,
        [MACHINE_TASK_LOST] = &counts->lost,
    };
    return places[state];
}

/* Every change of a task begins here. */
static void set_state(struct machine *machine, struct task_row *row, enum machine_task_state state)
{
    task_row_save(machine, row);
    --*task_count_of(&machine->tasks->counts, row->task.state);
    ++*task_count_of(&machine->tasks->counts, state);
    row->task.state = state;
}

/* The last change of a task. May forget the oldest finished one; `row` itself stays. */
static void finish(struct machine *machine, struct task_row *row, enum machine_task_state state,
                   struct machine_bytes detail, int64_t time_ms)
{
    struct tasks *tasks = machine->tasks;

    set_state(machine, row, state);
    machine_text_replace(&row->task.detail, detail);
    row->task.finished_at_ms = time_ms;
    row->end = ++tasks->finished_ever;
    TAILQ_REMOVE(&tasks->unfinished, row, link);
    TAILQ_INSERT_TAIL(&tasks->finished, row, link);
    if (++tasks->finished_count > HIVE_TASKS_FINISHED) {
        struct task_row *oldest = TAILQ_FIRST(&tasks->finished);
        task_row_save(machine, oldest);
        TAILQ_REMOVE(&tasks->finished, oldest, link);
        tasks->finished_count--;
        row_remove(tasks, oldest);
    }
}

void tasks_submit(struct machine *machine, uint64_t index, const struct machine_command *command,
                  struct machine_result *result)
{
    struct tasks *tasks = machine->tasks;
    const struct machine_task_counts *counts = &tasks->counts;

    if (counts->pending + counts->assigned + counts->running >= HIVE_TASKS_UNFINISHED) {
        result->status = MACHINE_FULL;
        return;
    }
    struct task_row *row = hive_calloc(1, sizeof *row);
    row->task.number = index;
    row->task.state = MACHINE_TASK_PENDING;
    row->task.submitted_at_ms = command->time_ms;
    machine_text_replace(&row->task.name, command->name);
    machine_bytes_replace(&row->task.text, command->text);
    machine_text_replace(&row->task.drone, machine_bytes_of(""));
    machine_text_replace(&row->task.detail, machine_bytes_of(""));
    row->dump = machine->dump.number;
    RB_INSERT(task_tree, &tasks->rows, row);
    tasks->count++;
    /* Log indexes rise, so the tail is the place by number. */
    TAILQ_INSERT_TAIL(&tasks->unfinished, row, link);
    tasks->counts.pending++;
    result->task = index;
}

void tasks_assign(struct machine *machine, uint64_t index, const struct machine_command *command,
                  struct machine_result *result)
{
    struct task_row *row = task_row_find(machine->tasks, command->task);

    (void)index;
    if (row && row->task.state != MACHINE_TASK_PENDING) {
        result->status = MACHINE_CONFLICT;
        return;
    }
    result->status = row ? drones_add_task(machine->drones, command->drone) : MACHINE_NOT_FOUND;
    if (result->status != MACHINE_OK)
        return;
    set_state(machine, row, MACHINE_TASK_ASSIGNED);
    machine_text_replace(&row->task.drone, command->drone);
    row->task.assigned_at_ms = command->time_ms;
    row->task.attempt++;
    result->attempt = row->task.attempt;
}

/* True where the command speaks of the assignment that stands, and leads forward from its state, or gives the task back
 * before it has begun. */
static bool update_fits(const struct machine_task *task, const struct machine_command *command)
{
    if (task->state != MACHINE_TASK_ASSIGNED && task->state != MACHINE_TASK_RUNNING)
        return false;
    bool is_given_back = command->state == MACHINE_TASK_PENDING && task->state == MACHINE_TASK_ASSIGNED;
    return (command->state > task->state || is_given_back) && command->attempt == task->attempt &&
           machine_bytes_compare(command->drone, machine_bytes_of(task->drone)) == 0;
}

void tasks_update(struct machine *machine, uint64_t index, const struct machine_command *command,
                  struct machine_result *result)
{
    struct task_row *row = task_row_find(machine->tasks, command->task);

    (void)index;
    if (!row) {
        result->status = MACHINE_NOT_FOUND;
        return;
    }
    if (!update_fits(&row->task, command)) {
        result->status = MACHINE_CONFLICT;
        return;
    }
    if (command->state == MACHINE_TASK_RUNNING) {
        set_state(machine, row, command->state);
        return;
    }
    drones_drop_task(machine->drones, command->drone);
    if (command->state == MACHINE_TASK_PENDING) {
        set_state(machine, row, MACHINE_TASK_PENDING);
        row->task.assigned_at_ms = 0;
        return;
    }
    finish(machine, row, command->state, command->detail, command->time_ms);
}

void tasks_release(struct machine *machine, struct machine_bytes address, int64_t time_ms)
{
    struct task_row *row, *next;

    TAILQ_FOREACH_SAFE(row, &machine->tasks->unfinished, link, next)
    {
        if (machine_bytes_compare(machine_bytes_of(row->task.drone), address) != 0)
            continue;
        if (row->task.state == MACHINE_TASK_RUNNING)
            finish(machine, row, MACHINE_TASK_LOST, machine_bytes_of("its drone was lost while it ran"),
                   time_ms);
        else if (row->task.state == MACHINE_TASK_ASSIGNED) {
            set_state(machine, row, MACHINE_TASK_PENDING);
            row->task.assigned_at_ms = 0;
        }
    }
}

bool machine_task_get(const struct machine *machine, uint64_t number, struct machine_task *task)
{
    struct task_row *row = task_row_find(machine->tasks, number);
    if (row)
        *task = row->task;
    return row;
}

void machine_task_each(const struct machine *machine, uint64_t after,
                       bool (*visit)(const struct machine_task *task, void *context), void *context)
{
    struct tasks *tasks = machine->tasks;
    struct task_row *row = RB_NFIND(task_tree, &tasks->rows, &(struct task_row){.task.number = after});

    if (row && row->task.number == after)
        row = RB_NEXT(task_tree, , row);
    while (row && visit(&row->task, context))
        row = RB_NEXT(task_tree, , row);
}

void machine_task_each_unfinished(const struct machine *machine,
                                  bool (*visit)(const struct machine_task *task, void *context),
                                  void *context)
{
    struct task_row *row;

    TAILQ_FOREACH(row, &machine->tasks->unfinished, link)
    if (!visit(&row->task, context))
        return;
}

struct machine_task_counts machine_task_counts(const struct machine *machine)
{
    return machine->tasks->counts;
}

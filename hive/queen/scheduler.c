/* The scheduler: a random choice among the healthy drones with room, one step of a task at a time. Pure. */
#include "queen/scheduler.h"

#include "hive/memory.h"

/* After so many refusals a task goes to another drone: busy for a moment, or not knowing this leader's secret
 * yet, is no reason; about two seconds of it are. */
#define REFUSALS_MAX 10

void scheduler_finish(struct scheduler *scheduler)
{
    free(scheduler->items);
    *scheduler = (struct scheduler){0};
}

static int compare_task(const void *key, const void *element)
{
    uint64_t task = *(const uint64_t *)key, other = ((const struct scheduler_item *)element)->task;
    return (task > other) - (task < other);
}

static struct scheduler_item *find(const struct scheduler *scheduler, uint64_t task)
{
    return scheduler->count
               ? bsearch(&task, scheduler->items, scheduler->count, sizeof *scheduler->items, compare_task)
               : NULL;
}

void scheduler_update(struct scheduler *scheduler, const struct view *view)
{
    /* Merges two rising sequences: listed tasks, and steps that are still under way for tasks that are not.
     */
    struct scheduler_item *items = hive_calloc(view->task_count + scheduler->count, sizeof *items);
    size_t count = 0, old = 0, listed = 0;
    while (old < scheduler->count || listed < view->task_count) {
        bool has_old = old < scheduler->count, has_listed = listed < view->task_count;
        uint64_t old_task = has_old ? scheduler->items[old].task : UINT64_MAX;
        uint64_t listed_task = has_listed ? view->tasks[listed].number : UINT64_MAX;
        if (old_task < listed_task) {
            items[count] = scheduler->items[old++];
            items[count].is_listed = false;
            count += items[count].is_busy;
            continue;
        }
        items[count] =
            old_task == listed_task ? scheduler->items[old++] : (struct scheduler_item){.task = listed_task};
        items[count++].is_listed = true;
        listed++;
    }
    free(scheduler->items);
    scheduler->items = items;
    scheduler->count = count;
}

enum scheduler_step scheduler_next(struct scheduler *scheduler, const struct view_task *task,
                                   struct liveness *liveness, int64_t now_ms, struct live_drone **drone)
{
    struct scheduler_item *item = find(scheduler, task->number);
    if (!item || item->is_busy || now_ms < item->not_before_ms)
        return SCHEDULER_NOTHING;
    bool is_pending = task->state == MACHINE_TASK_PENDING;
    *drone = is_pending ? liveness_pick(liveness, now_ms) : liveness_find(liveness, task->drone);
    if (!*drone || (*drone)->is_suspect)
        return SCHEDULER_NOTHING; /* a suspect drone answers again or is lost: either brings a new view */
    item->is_busy = true;
    return is_pending ? SCHEDULER_ASSIGN : SCHEDULER_SEND;
}

void scheduler_done(struct scheduler *scheduler, uint64_t task, int64_t not_before_ms)
{
    struct scheduler_item *item = find(scheduler, task);
    if (!item)
        return;
    item->is_busy = false;
    item->not_before_ms = not_before_ms;
}

bool scheduler_is_refused(struct scheduler *scheduler, uint64_t task)
{
    struct scheduler_item *item = find(scheduler, task);
    if (!item || ++item->refusals < REFUSALS_MAX)
        return false;
    item->refusals = 0;
    return true;
}

int64_t scheduler_due_ms(const struct scheduler *scheduler, int64_t now_ms)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < scheduler->count; i++) {
        const struct scheduler_item *item = &scheduler->items[i];
        if (!item->is_busy && item->is_listed && item->not_before_ms > now_ms && item->not_before_ms < due_ms)
            due_ms = item->not_before_ms;
    }
    return due_ms;
}

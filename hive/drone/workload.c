/* The task supervisor: one table of all tasks by id and attempt, and one thread that hands them to their
 * drivers.
 *
 * HTTP handlers must not block and printing can, so handlers put tasks into a queue and the task thread
 * starts them in order. A queen that lost our answer asks again with the same id and attempt: it is told what
 * became of the first call, and waits with it where that is not known yet. Outcomes are remembered for that;
 * how many is capped, and the oldest go first.
 *
 * Everything in struct workload is guarded by `lock`, except what a task keeps from its creation on (id,
 * attempt, driver, spec). Drivers and replies are called without it. */
#include "drone/workload.h"

#include <assert.h>
#include <bsd/sys/tree.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "hive/json.h"
#include "hive/limits.h"
#include "hive/log.h"
#include "hive/memory.h"

/* Calls for one task that wait at once. A queen that asks again has given its last call up, whose connection
 * would else be held for as long as the task takes to begin. */
#define WAITERS_MAX 2

/* Somebody who asked for a task and was not replied to yet. */
struct waiter {
    STAILQ_ENTRY(waiter) link;
    task_reply *reply;
    void *context;
};
STAILQ_HEAD(waiters, waiter);

struct task {
    RB_ENTRY(task) by_id;
    TAILQ_ENTRY(task) link; /* in queued, begun or finished */
    struct workload *workload;
    char id[HIVE_ID_BYTES];
    uint32_t attempt;
    char *queen; /* who asked first */
    const struct driver *driver;
    cJSON *spec;                   /* NULL once finished */
    enum machine_task_state state; /* ASSIGNED while queued */
    bool is_reported;              /* the driver spoke: `state` is what a repeated call is told */
    char *detail;
    struct waiters waiters;
    int waiter_count;
};
TAILQ_HEAD(task_list, task);
RB_HEAD(task_tree, task);

struct workload {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the task thread */
    pthread_t thread;
    bool is_started;
    atomic_bool is_stopping;
    struct task_tree by_id;
    struct task_list queued, begun, finished; /* finished: oldest first */
    size_t finished_count, remembered;
    int capacity, unfinished; /* queued + begun */
    int64_t done, failed;     /* finished since the start; those of them that failed */
};

static int compare(const struct task *a, const struct task *b)
{
    int order = strcmp(a->id, b->id);
    return order ? order : (a->attempt > b->attempt) - (a->attempt < b->attempt);
}
/* libbsd's RB_GENERATE_STATIC asks for an `__unused` that Linux does not have. */
RB_GENERATE_INTERNAL(task_tree, task, by_id, compare, __attribute__((unused)) static)

static void task_destroy(struct task *task)
{
    assert(STAILQ_EMPTY(&task->waiters));
    cJSON_Delete(task->spec);
    free(task->queen);
    free(task->detail);
    free(task);
}

/* Removes a task that is in no list any more. */
static void forget(struct workload *workload, struct task *task)
{
    RB_REMOVE(task_tree, &workload->by_id, task);
    task_destroy(task);
}

/* Replies to all of `waiters` and frees them. Without the lock. */
static void reply_all(struct waiters *waiters, const struct task_answer *answer)
{
    struct waiter *waiter;
    while ((waiter = STAILQ_FIRST(waiters))) {
        STAILQ_REMOVE_HEAD(waiters, link);
        waiter->reply(answer, waiter->context);
        free(waiter);
    }
}

struct workload *workload_create(int capacity, size_t remembered)
{
    struct workload *workload = hive_calloc(1, sizeof *workload);
    pthread_mutex_init(&workload->lock, NULL);
    pthread_cond_init(&workload->wake, NULL);
    RB_INIT(&workload->by_id);
    TAILQ_INIT(&workload->queued);
    TAILQ_INIT(&workload->begun);
    TAILQ_INIT(&workload->finished);
    workload->capacity = capacity;
    workload->remembered = remembered;
    return workload;
}

void workload_destroy(struct workload *workload)
{
    if (!workload)
        return;
    workload_stop(workload);
    struct task *task, *next;
    RB_FOREACH_SAFE(task, task_tree, &workload->by_id, next)
    {
        RB_REMOVE(task_tree, &workload->by_id, task);
        task_destroy(task);
    }
    pthread_cond_destroy(&workload->wake);
    pthread_mutex_destroy(&workload->lock);
    free(workload);
}

/* Hands queued tasks to their drivers until the drone ends. */
static void *run(void *argument)
{
    struct workload *workload = argument;
    pthread_mutex_lock(&workload->lock);
    while (!workload->is_stopping) {
        struct task *task = TAILQ_FIRST(&workload->queued);
        if (!task) {
            pthread_cond_wait(&workload->wake, &workload->lock);
            continue;
        }
        TAILQ_REMOVE(&workload->queued, task, link);
        TAILQ_INSERT_TAIL(&workload->begun, task, link);
        task->state = MACHINE_TASK_RUNNING;
        pthread_mutex_unlock(&workload->lock);
        task->driver->start(task);
        pthread_mutex_lock(&workload->lock);
    }
    pthread_mutex_unlock(&workload->lock);
    return NULL;
}

int workload_start(struct workload *workload, struct hive_error *error)
{
    int code = pthread_create(&workload->thread, NULL, run, workload);
    if (code)
        return hive_error_set(error, -code, "cannot start the task thread: %s", strerror(code));
    workload->is_started = true;
    return 0;
}

void workload_stop(struct workload *workload)
{
    pthread_mutex_lock(&workload->lock);
    workload->is_stopping = true;
    pthread_cond_signal(&workload->wake);
    pthread_mutex_unlock(&workload->lock);
    if (workload->is_started)
        pthread_join(workload->thread, NULL);
    workload->is_started = false;

    struct waiters waiters = STAILQ_HEAD_INITIALIZER(waiters);
    struct task *task;
    pthread_mutex_lock(&workload->lock);
    while ((task = TAILQ_FIRST(&workload->queued))) {
        TAILQ_REMOVE(&workload->queued, task, link);
        STAILQ_CONCAT(&waiters, &task->waiters);
        workload->unfinished--;
        forget(workload, task);
    }
    pthread_mutex_unlock(&workload->lock);
    reply_all(&waiters, &(struct task_answer){.code = -ESHUTDOWN, .detail = ""});
}

/* Finds the task of `order` or makes it. Takes the order's spec where it becomes a new task. With the lock.
 */
static int find_or_begin(struct workload *workload, struct task_order *order, struct task **found)
{
    struct task key = {.attempt = order->attempt};
    snprintf(key.id, sizeof key.id, "%s", order->id);
    struct task *task =
        RB_NFIND(task_tree, &workload->by_id, &key); /* the same or, if later, the next attempt */
    if (task && strcmp(task->id, key.id) == 0) {
        *found = task;
        return task->attempt == order->attempt ? 0 : -ESTALE;
    }
    if (workload->is_stopping)
        return -ESHUTDOWN;
    if (workload->unfinished >= workload->capacity)
        return -EBUSY;

    task = hive_calloc(1, sizeof *task);
    *task = (struct task){.workload = workload,
                          .attempt = order->attempt,
                          .queen = hive_strdup(order->queen),
                          .driver = order->driver,
                          .spec = order->spec,
                          .state = MACHINE_TASK_ASSIGNED};
    memcpy(task->id, key.id, sizeof task->id);
    order->spec = NULL;
    STAILQ_INIT(&task->waiters);
    RB_INSERT(task_tree, &workload->by_id, task);
    TAILQ_INSERT_TAIL(&workload->queued, task, link);
    workload->unfinished++;
    pthread_cond_signal(&workload->wake);
    *found = task;
    return 0;
}

void workload_submit(struct workload *workload, struct task_order *order, task_reply *reply, void *context)
{
    struct task *task = NULL;
    struct task_answer answer = {0};
    char *detail = NULL;
    struct waiter *given_up = NULL;
    pthread_mutex_lock(&workload->lock);
    answer.code = find_or_begin(workload, order, &task);
    bool is_waiting = answer.code == 0 && !task->is_reported;
    if (is_waiting) {
        struct waiter *waiter = hive_calloc(1, sizeof *waiter);
        *waiter = (struct waiter){.reply = reply, .context = context};
        STAILQ_INSERT_TAIL(&task->waiters, waiter, link);
        if (++task->waiter_count > WAITERS_MAX) {
            given_up = STAILQ_FIRST(&task->waiters);
            STAILQ_REMOVE_HEAD(&task->waiters, link);
            task->waiter_count--;
        }
    } else if (answer.code == 0) {
        answer.state = task->state;
        detail = hive_strdup(task->detail);
    }
    pthread_mutex_unlock(&workload->lock);

    cJSON_Delete(order->spec);
    order->spec = NULL;
    answer.detail = detail ? detail : "";
    if (!is_waiting)
        reply(&answer, context);
    if (given_up)
        given_up->reply(&(struct task_answer){.code = -EBUSY, .detail = ""}, given_up->context);
    free(given_up);
    free(detail);
}

const char *task_id(const struct task *task)
{
    return task->id;
}

const cJSON *task_spec(const struct task *task)
{
    return task->spec;
}

bool task_is_stopping(const struct task *task)
{
    return task->workload->is_stopping;
}

/* Moves the task to the finished ones and forgets the oldest of them beyond the cap. With the lock. */
static void finish(struct workload *workload, struct task *task)
{
    TAILQ_REMOVE(&workload->begun, task, link);
    TAILQ_INSERT_TAIL(&workload->finished, task, link);
    cJSON_Delete(task->spec);
    task->spec = NULL;
    workload->unfinished--;
    workload->done++;
    workload->failed += task->state == MACHINE_TASK_FAILED;
    if (++workload->finished_count > workload->remembered) {
        struct task *oldest = TAILQ_FIRST(&workload->finished);
        TAILQ_REMOVE(&workload->finished, oldest, link);
        workload->finished_count--;
        forget(workload, oldest);
    }
}

void task_report(struct task *task, enum machine_task_state state, const char *detail)
{
    struct workload *workload = task->workload;
    bool is_end = state >= MACHINE_TASK_SUCCEEDED;
    if (state == MACHINE_TASK_FAILED)
        hive_log_warning("task failed", LOG_S("id", task->id), LOG_N("attempt", task->attempt),
                         LOG_S("queen", task->queen), LOG_S("reason", detail));
    else
        hive_log_debug("task changed", LOG_S("id", task->id), LOG_N("attempt", task->attempt),
                       LOG_S("queen", task->queen), LOG_S("state", machine_task_state_name(state)));

    struct waiters waiters = STAILQ_HEAD_INITIALIZER(waiters);
    pthread_mutex_lock(&workload->lock);
    STAILQ_CONCAT(&waiters, &task->waiters);
    task->waiter_count = 0;
    task->state = state;
    task->is_reported = true;
    free(task->detail);
    task->detail = hive_strdup(detail);
    char *told = hive_strdup(detail); /* `detail` may be the task's own, which can be gone below */
    if (is_end)
        finish(workload, task);
    pthread_mutex_unlock(&workload->lock);
    reply_all(&waiters, &(struct task_answer){.state = state, .detail = told});
    free(told);
}

static void list_json(const struct task_list *list, bool *is_first, struct hive_buffer *json)
{
    const struct task *task;
    TAILQ_FOREACH(task, list, link)
    {
        hive_buffer_append_text(json, *is_first ? "{\"id\":" : ",{\"id\":");
        hive_json_append_string(json, task->id, strlen(task->id));
        hive_buffer_format(json, ",\"state\":\"%s\"}", machine_task_state_name(task->state));
        *is_first = false;
    }
}

void workload_health_json(struct workload *workload, struct hive_buffer *json)
{
    bool is_first = true;
    pthread_mutex_lock(&workload->lock);
    hive_buffer_format(json, ",\"running\":%d,\"done\":%lld,\"failed\":%lld,\"tasks\":[",
                       workload->unfinished, (long long)workload->done, (long long)workload->failed);
    list_json(&workload->begun, &is_first, json);
    list_json(&workload->queued, &is_first, json);
    pthread_mutex_unlock(&workload->lock);
    hive_buffer_append_text(json, "]");
}

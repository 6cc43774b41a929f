/* Taking the view. The reconciler's thread waits here for one round of the consensus thread, never the other
 * way round. */
#include "queen/view.h"

#include <pthread.h>

#include "hive/memory.h"

struct taking {
    struct view *view;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done, is_taken;
};

static bool add_drone(const struct machine_drone *drone, void *context)
{
    struct view *view = context;
    view->drones[view->drone_count++] = (struct view_drone){
        .address = hive_strdup(drone->address),
        .name = hive_strdup(drone->name),
        .secret = hive_strdup(drone->secret),
        .capacity = drone->capacity,
        .task_count = drone->task_count,
        .registered_index = drone->registered_index,
    };
    return true;
}

static bool add_task(const struct machine_task *task, void *context)
{
    struct view *view = context;
    view->tasks[view->task_count++] = (struct view_task){
        .number = task->number,
        .attempt = task->attempt,
        .state = task->state,
        .drone = hive_strdup(task->drone),
        .text = task->state == MACHINE_TASK_PENDING ? NULL : hive_memdup(task->text.data, task->text.size),
    };
    return view->task_count < VIEW_TASKS;
}

static void on_machine(const struct queen_answer *answer, void *context)
{
    struct taking *taking = context;
    struct view *view = taking->view;
    bool is_taken = answer->outcome == QUEEN_DONE;
    if (is_taken) {
        view->drones = hive_calloc(machine_drone_count(answer->machine), sizeof *view->drones);
        view->tasks = hive_calloc(VIEW_TASKS, sizeof *view->tasks);
        machine_drone_each(answer->machine, add_drone, view);
        machine_task_each_unfinished(answer->machine, add_task, view);
    }
    pthread_mutex_lock(&taking->mutex);
    taking->is_done = true;
    taking->is_taken = is_taken;
    pthread_cond_signal(&taking->done);
    pthread_mutex_unlock(&taking->mutex);
}

bool view_take(struct queen *queen, struct view *view)
{
    *view = (struct view){0};
    struct taking taking = {
        .view = view, .mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
    queen_read(queen, true, on_machine, &taking);
    pthread_mutex_lock(&taking.mutex);
    while (!taking.is_done)
        pthread_cond_wait(&taking.done, &taking.mutex);
    pthread_mutex_unlock(&taking.mutex);
    /* The role after the machine: it was published before this read was served, so it is not older. */
    struct queen_status status;
    queen_status(queen, &status);
    view->is_leader = status.role == RAFT_LEADER;
    view->term = status.term;
    return taking.is_taken;
}

void view_finish(struct view *view)
{
    for (size_t i = 0; i < view->drone_count; i++) {
        free(view->drones[i].address);
        free(view->drones[i].name);
        free(view->drones[i].secret);
    }
    for (size_t i = 0; i < view->task_count; i++) {
        free(view->tasks[i].drone);
        free(view->tasks[i].text);
    }
    free(view->drones);
    free(view->tasks);
    *view = (struct view){0};
}

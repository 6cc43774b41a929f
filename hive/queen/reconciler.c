/* The reconciler's thread: one loop that takes a view when something changed, sends what is due, and sleeps
 * until the next answer, notification or due time. */
#include "queen/reconciler.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "faults/faults.h"
#include "hive/api.h"
#include "hive/clock.h"
#include "hive/http_client.h"
#include "hive/json.h"
#include "hive/log.h"
#include "hive/memory.h"
#include "queen/liveness.h"
#include "queen/scheduler.h"
#include "queen/view.h"

/* How soon a step that did not help is tried again. */
#define RETRY_MS 200
#define IDLE_MS  1000

/* Something that the thread started and that ends elsewhere: a request or a proposal. */
struct errand {
    LIST_ENTRY(errand)
    link; /* of requests under way; errands that come back from a proposal are in `returned` */
    struct errand *next;
    struct reconciler *reconciler;
    uint64_t task; /* 0: a drone's */
    uint32_t attempt;
    bool is_refused;               /* a proposal: it was not taken */
    enum machine_task_state state; /* of the task when the errand started */
    char address[HIVE_ADDRESS_BYTES];
};

struct reconciler {
    struct reconciler_config config;
    pthread_t thread;
    struct hive_http_client *client;
    atomic_bool is_stopping, is_dirty;
    /* The thread's own. */
    struct view view;
    bool is_leading;
    raft_term term;
    int64_t due_ms; /* when the thread wanted to be awake again */
    struct scheduler scheduler;
    LIST_HEAD(, errand) requests;
    /* Shared. */
    pthread_mutex_t mutex; /* guards writes of `liveness` and what follows */
    struct liveness liveness;
    struct errand *returned; /* proposals that the consensus thread has answered */
};

void reconciler_notify(struct reconciler *reconciler)
{
    if (!atomic_exchange(&reconciler->is_dirty, true))
        hive_http_client_wake(reconciler->client);
}

static struct errand *errand_create(struct reconciler *reconciler, const char *address)
{
    struct errand *errand = hive_calloc(1, sizeof *errand);
    errand->reconciler = reconciler;
    snprintf(errand->address, sizeof errand->address, "%s", address);
    return errand;
}

/* ---- proposals ---- */

/* On the consensus thread: the errand goes back to the reconciler's. */
static void on_proposed(const struct queen_answer *answer, void *context)
{
    struct errand *errand = context;
    errand->is_refused = answer->outcome != QUEEN_DONE; /* what became of it otherwise, the next view shows */
    struct reconciler *reconciler = errand->reconciler;
    pthread_mutex_lock(&reconciler->mutex);
    errand->next = reconciler->returned;
    reconciler->returned = errand;
    pthread_mutex_unlock(&reconciler->mutex);
    reconciler_notify(reconciler);
}

static void propose(struct reconciler *reconciler, const struct machine_command *command,
                    struct errand *errand)
{
    queen_propose(reconciler->config.queen, command, on_proposed, errand);
}

static struct machine_bytes bytes_of(const char *text)
{
    return (struct machine_bytes){.data = text, .size = strlen(text)};
}

static void take_returned(struct reconciler *reconciler)
{
    int64_t retry_ms = hive_clock_monotonic_ms() + RETRY_MS;
    pthread_mutex_lock(&reconciler->mutex);
    struct errand *errand = reconciler->returned;
    reconciler->returned = NULL;
    while (errand) {
        struct errand *next = errand->next;
        struct live_drone *drone = liveness_find(&reconciler->liveness, errand->address);
        if (errand->task)
            scheduler_done(&reconciler->scheduler, errand->task, errand->is_refused ? retry_ms : 0);
        else if (drone)
            drone->is_leaving = false; /* where it is still there in the next view, its removal failed */
        free(errand);
        errand = next;
    }
    pthread_mutex_unlock(&reconciler->mutex);
}

/* ---- requests to drones ---- */

static void start_request(struct errand *errand, const char *method, const char *path, const char *token,
                          const struct hive_buffer *body, hive_http_done *done)
{
    struct reconciler *reconciler = errand->reconciler;
    char *url = hive_format("http://%s%s", errand->address, path);
    struct hive_http_request request = {
        .method = method,
        .url = url,
        .token = token,
        .content_type = body ? "application/json" : NULL,
        .body = body ? body->data : NULL,
        .body_bytes = body ? body->size : 0,
        .timeout_ms = reconciler->config.heartbeat_ms,
        .response_bytes = HIVE_BODY_BYTES,
    };
    LIST_INSERT_HEAD(&reconciler->requests, errand, link);
    faults_send(reconciler->config.faults, reconciler->client, &request, errand->address, done, errand);
    free(url);
}

static void on_heartbeat(struct hive_http_response *response, void *context)
{
    struct errand *errand = context;
    struct reconciler *reconciler = errand->reconciler;
    struct hive_health health = {0};
    bool is_alive = response->status == 200 &&
                    hive_health_parse(response->body.data, response->body.size, &health, NULL) == 0 &&
                    health.mode == HIVE_MODE_DRONE;
    pthread_mutex_lock(&reconciler->mutex);
    struct live_drone *drone = liveness_find(&reconciler->liveness, errand->address);
    if (drone) {
        drone->is_asked = false;
        if (is_alive)
            liveness_seen(drone, health.running, hive_clock_monotonic_ms());
    }
    pthread_mutex_unlock(&reconciler->mutex);
    hive_health_finish(&health);
    LIST_REMOVE(errand, link);
    free(errand);
}

static void heartbeat(struct reconciler *reconciler, int64_t now_ms)
{
    for (size_t i = 0; i < reconciler->liveness.count; i++) {
        struct live_drone *drone = &reconciler->liveness.drones[i];
        if (drone->is_asked || now_ms < drone->heartbeat_due_ms)
            continue;
        pthread_mutex_lock(&reconciler->mutex);
        drone->is_asked = true;
        drone->heartbeat_due_ms = now_ms + reconciler->config.heartbeat_ms;
        pthread_mutex_unlock(&reconciler->mutex);
        start_request(errand_create(reconciler, drone->address), "GET", "/healthz", NULL, NULL, on_heartbeat);
    }
}

static void remove_lost(struct reconciler *reconciler, int64_t now_ms)
{
    for (;;) {
        pthread_mutex_lock(&reconciler->mutex);
        struct live_drone *lost = liveness_judge(&reconciler->liveness, now_ms);
        if (lost)
            lost->is_leaving = true;
        pthread_mutex_unlock(&reconciler->mutex);
        if (!lost)
            return;
        hive_log_warning("drone is lost, removing it", LOG_S("drone", lost->name),
                         LOG_S("address", lost->address));
        struct machine_command command = {.type = MACHINE_DRONE_REMOVE, .drone = bytes_of(lost->address)};
        propose(reconciler, &command, errand_create(reconciler, lost->address));
    }
}

/* ---- tasks ---- */

static void record(struct errand *errand, enum machine_task_state state, const char *detail)
{
    struct machine_command command = {
        .type = MACHINE_TASK_UPDATE,
        .drone = bytes_of(errand->address),
        .task = errand->task,
        .attempt = errand->attempt,
        .state = state,
        .detail = bytes_of(detail),
    };
    propose(errand->reconciler, &command, errand);
}

/* The state in a drone's answer to /do_task; 0 where it makes no sense. */
static enum machine_task_state read_state(const struct hive_buffer *body, char detail[HIVE_ERROR_BYTES])
{
    enum machine_task_state state = 0;
    const char *name = "", *why = "";
    cJSON *answer = hive_json_parse_object(body->data, body->size, NULL);
    if (answer && hive_json_string(answer, "state", &name, NULL) == 0)
        for (enum machine_task_state s = MACHINE_TASK_RUNNING; s <= MACHINE_TASK_STOPPED; s++)
            if (!strcmp(name, machine_task_state_name(s)))
                state = s;
    if (answer)
        hive_json_string(answer, "detail", &why, NULL);
    snprintf(detail, HIVE_ERROR_BYTES, "%s", why);
    cJSON_Delete(answer);
    return state;
}

/* The drone is alive and does not take the task: another one shall have it. */
static void give_back(struct errand *errand, int status)
{
    struct reconciler *reconciler = errand->reconciler;
    hive_log_warning("drone does not take tasks", LOG_S("address", errand->address), LOG_N("status", status));
    pthread_mutex_lock(&reconciler->mutex);
    struct live_drone *drone = liveness_find(&reconciler->liveness, errand->address);
    if (drone)
        drone->avoid_until_ms = hive_clock_monotonic_ms() + reconciler->config.lost_ms;
    pthread_mutex_unlock(&reconciler->mutex);
    record(errand, MACHINE_TASK_PENDING, "");
}

static void on_sent(struct hive_http_response *response, void *context)
{
    struct errand *errand = context;
    struct reconciler *reconciler = errand->reconciler;
    char detail[HIVE_ERROR_BYTES] = "";
    enum machine_task_state state = response->status == 200 ? read_state(&response->body, detail) : 0;
    LIST_REMOVE(errand, link);
    if (response->status == 400) {
        state = MACHINE_TASK_FAILED;
        snprintf(detail, sizeof detail, "the drone refused the task (HTTP status 400)");
    }
    if (state && state != errand->state) {
        record(errand, state, detail);
        return;
    }
    bool was_refused = response->status > 0 && !state && errand->state == MACHINE_TASK_ASSIGNED;
    if (was_refused && scheduler_is_refused(&reconciler->scheduler, errand->task)) {
        give_back(errand, response->status);
        return;
    }
    /* Still running, busy, not reachable, or it does not know us (yet): ask again. */
    int64_t pause_ms = state ? reconciler->config.heartbeat_ms : RETRY_MS;
    scheduler_done(&reconciler->scheduler, errand->task, hive_clock_monotonic_ms() + pause_ms);
    free(errand);
}

static void send_task(struct reconciler *reconciler, const struct view_task *task,
                      const struct live_drone *drone, struct errand *errand)
{
    char id[HIVE_ID_BYTES];
    machine_task_id(task->number, id);
    struct hive_buffer body = {0};
    hive_buffer_format(&body, "{\"id\":\"%s\",\"attempt\":%u,\"queen\":\"%s\",\"text\":", id, task->attempt,
                       reconciler->config.address);
    hive_json_append_string(&body, task->text, strlen(task->text));
    hive_buffer_append_text(&body, "}");
    const char *token = reconciler->config.token ? reconciler->config.token : drone->secret;
    start_request(errand, "POST", "/do_task", token, &body, on_sent);
    hive_buffer_finish(&body);
}

static void schedule(struct reconciler *reconciler, int64_t now_ms)
{
    for (size_t i = 0; i < reconciler->view.task_count; i++) {
        const struct view_task *task = &reconciler->view.tasks[i];
        struct live_drone *drone;
        enum scheduler_step step =
            scheduler_next(&reconciler->scheduler, task, &reconciler->liveness, now_ms, &drone);
        if (step == SCHEDULER_NOTHING)
            continue;
        struct errand *errand = errand_create(reconciler, drone->address);
        errand->task = task->number;
        errand->attempt = task->attempt;
        errand->state = task->state;
        if (step == SCHEDULER_SEND) {
            send_task(reconciler, task, drone, errand);
            continue;
        }
        struct machine_command command = {
            .type = MACHINE_TASK_ASSIGN, .task = task->number, .drone = bytes_of(drone->address)};
        propose(reconciler, &command, errand);
    }
}

/* ---- the thread ---- */

static void refresh(struct reconciler *reconciler)
{
    struct view view;
    if (!view_take(reconciler->config.queen, &view))
        return;
    int64_t now_ms = hive_clock_monotonic_ms();
    bool leads_anew = view.is_leader && (!reconciler->is_leading || view.term != reconciler->term);
    pthread_mutex_lock(&reconciler->mutex);
    liveness_update(&reconciler->liveness, &view, now_ms);
    if (leads_anew)
        liveness_start_leading(&reconciler->liveness, now_ms);
    reconciler->is_leading = view.is_leader;
    pthread_mutex_unlock(&reconciler->mutex);
    reconciler->term = view.term;
    scheduler_update(&reconciler->scheduler, &view);
    view_finish(&reconciler->view);
    reconciler->view = view;
}

/* Does what is due; returns how long there is nothing more to do. */
static int64_t reconcile(struct reconciler *reconciler)
{
    /* The flag first: what comes back after it was cleared sets it again. */
    bool is_dirty = atomic_exchange(&reconciler->is_dirty, false);
    take_returned(reconciler);
    if (is_dirty)
        refresh(reconciler);
    if (!reconciler->is_leading)
        return IDLE_MS;
    int64_t now_ms = hive_clock_monotonic_ms();
    if (now_ms - reconciler->due_ms >= reconciler->config.heartbeat_ms) {
        /* This queen itself was away (paused, or starved): that nobody was seen says nothing about the drones. */
        pthread_mutex_lock(&reconciler->mutex);
        liveness_start_leading(&reconciler->liveness, now_ms);
        pthread_mutex_unlock(&reconciler->mutex);
    }
    heartbeat(reconciler, now_ms);
    remove_lost(reconciler, now_ms);
    schedule(reconciler, now_ms);
    int64_t due_ms = liveness_due_ms(&reconciler->liveness);
    int64_t task_due_ms = scheduler_due_ms(&reconciler->scheduler, now_ms);
    int64_t pause_ms = (task_due_ms < due_ms ? task_due_ms : due_ms) - now_ms;
    return pause_ms < 1 ? 1 : pause_ms < IDLE_MS ? pause_ms : IDLE_MS;
}

static void *run(void *argument)
{
    struct reconciler *reconciler = argument;
    while (!reconciler->is_stopping) {
        int64_t pause_ms = reconcile(reconciler);
        reconciler->due_ms = hive_clock_monotonic_ms() + pause_ms;
        hive_http_client_wait(reconciler->client, NULL, 0, (int)pause_ms);
    }
    return NULL;
}

struct reconciler *reconciler_start(const struct reconciler_config *config)
{
    struct reconciler *reconciler = hive_calloc(1, sizeof *reconciler);
    reconciler->config = *config;
    reconciler->liveness = (struct liveness){
        .heartbeat_ms = config->heartbeat_ms, .suspect_ms = config->suspect_ms, .lost_ms = config->lost_ms};
    reconciler->client = hive_http_client_create();
    reconciler->is_dirty = true;
    reconciler->due_ms = hive_clock_monotonic_ms();
    pthread_mutex_init(&reconciler->mutex, NULL);
    pthread_create(&reconciler->thread, NULL, run, reconciler);
    pthread_setname_np(reconciler->thread, "reconciler");
    return reconciler;
}

void reconciler_stop(struct reconciler *reconciler)
{
    reconciler->is_stopping = true;
    hive_http_client_wake(reconciler->client);
    pthread_join(reconciler->thread, NULL);
}

void reconciler_destroy(struct reconciler *reconciler)
{
    if (!reconciler)
        return;
    hive_http_client_destroy(reconciler->client);
    struct errand *errand;
    while ((errand = LIST_FIRST(&reconciler->requests))) {
        LIST_REMOVE(errand, link);
        free(errand);
    }
    while ((errand = reconciler->returned)) {
        reconciler->returned = errand->next;
        free(errand);
    }
    view_finish(&reconciler->view);
    liveness_finish(&reconciler->liveness);
    scheduler_finish(&reconciler->scheduler);
    pthread_mutex_destroy(&reconciler->mutex);
    free(reconciler);
}

/* What is shown of a drone; the lock is held. */
static struct queen_drone describe(const struct reconciler *reconciler, const struct live_drone *live)
{
    bool is_known = reconciler->is_leading && live->was_seen;
    int64_t silent_ms = hive_clock_monotonic_ms() - live->last_seen_ms;
    return (struct queen_drone){
        .address = live->address,
        .name = live->name,
        .is_suspect = reconciler->is_leading && live->is_suspect,
        .last_seen_ms = is_known ? hive_clock_unix_ms() - silent_ms : 0,
        .running = is_known ? live->running : 0,
    };
}

void reconciler_each_drone(struct reconciler *reconciler,
                           bool (*visit)(const struct queen_drone *drone, void *context), void *context)
{
    pthread_mutex_lock(&reconciler->mutex);
    for (size_t i = 0; i < reconciler->liveness.count; i++) {
        struct queen_drone drone = describe(reconciler, &reconciler->liveness.drones[i]);
        if (!visit(&drone, context))
            break;
    }
    pthread_mutex_unlock(&reconciler->mutex);
}

bool reconciler_find_drone(struct reconciler *reconciler, const char *address, struct queen_drone *drone)
{
    pthread_mutex_lock(&reconciler->mutex);
    const struct live_drone *live = liveness_find(&reconciler->liveness, address);
    if (live)
        *drone = describe(reconciler, live);
    pthread_mutex_unlock(&reconciler->mutex);
    drone->address = drone->name = NULL; /* those were the table's */
    return live != NULL;
}

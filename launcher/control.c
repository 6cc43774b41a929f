/* Where the server's threads and the supervisor's meet: a list under a lock, and an eventfd that the
 * supervisor polls. */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/json.h"
#include "hive/memory.h"

#define ORDERS_MAX       64   /* more than a person, a dashboard and a test together ever have under way */
#define ORDER_BODY_BYTES 4096 /* a pid and a start time */
#define SERVER_THREADS   1

struct control {
    struct hive_server *server;
    int event; /* eventfd: its count is > 0 while `first` is set */
    pthread_mutex_t lock;
    struct control_order *first, **last; /* under the lock */
    size_t waiting;                      /* under the lock */
    bool is_closed;                      /* under the lock: nobody takes orders any more */
};

static const struct {
    const char *name;
    enum control_verb verb;
} node_verbs[] = {
    {"kill", CONTROL_KILL},     {"pause", CONTROL_PAUSE}, {"restart", CONTROL_RESTART},
    {"resume", CONTROL_RESUME}, {"stop", CONTROL_STOP},
};

/* The optional body of an order to a node. */
static int read_process(struct hive_request *request, struct hive_process *process, struct hive_error *error)
{
    size_t bytes;
    const char *body = hive_request_body(request, &bytes);
    if (bytes == 0)
        return 0;
    cJSON *json = hive_json_parse_object(body, bytes, error);
    if (!json)
        return -EINVAL;
    int64_t pid = 0, started_at = 0;
    int result = hive_json_int(json, "pid", 1, INT32_MAX, &pid, error);
    if (result != -EINVAL)
        result = hive_json_int(json, "started_at", 1, INT64_C(1) << 53, &started_at, error);
    cJSON_Delete(json);
    process->pid = (pid_t)pid;
    process->started_at = (uint64_t)started_at;
    return result == -EINVAL ? result : 0;
}

/* Hands the order to the supervisor, or refuses it. */
static void give(struct control *control, const struct control_order *given)
{
    struct control_order *order = hive_malloc(sizeof *order);
    *order = *given;
    pthread_mutex_lock(&control->lock);
    bool is_closed = control->is_closed;
    bool is_accepted = !is_closed && control->waiting < ORDERS_MAX;
    if (is_accepted) {
        *control->last = order;
        control->last = &order->next;
        control->waiting++;
        eventfd_write(control->event, 1);
    }
    pthread_mutex_unlock(&control->lock);
    if (is_accepted)
        return;
    hive_request_set_header(order->request, "Retry-After", "1");
    if (is_closed)
        hive_request_reply_problem(order->request, 503, "stopping",
                                   "the cluster has ended: start it with launcher");
    else
        hive_request_reply_problem(order->request, 503, "busy", "%d orders wait already: try again",
                                   ORDERS_MAX);
    free(order);
}

static void handle_cluster(struct hive_request *request, void *context)
{
    give(context, &(struct control_order){.request = request, .verb = CONTROL_SHOW});
}

static void handle_stop(struct hive_request *request, void *context)
{
    give(context, &(struct control_order){.request = request, .verb = CONTROL_END});
}

static void handle_node(struct hive_request *request, void *context)
{
    struct control_order order = {.request = request};
    const char *name = hive_request_segment(request, 0, NULL), *verb = hive_request_segment(request, 1, NULL);
    size_t i = 0;
    while (i < sizeof node_verbs / sizeof *node_verbs && strcmp(node_verbs[i].name, verb) != 0)
        i++;
    if (i == sizeof node_verbs / sizeof *node_verbs) {
        hive_request_reply_problem(request, 404, "not-found",
                                   "no '%s' for nodes: kill, pause, restart, resume or stop them", verb);
        return;
    }
    struct hive_error error;
    order.verb = node_verbs[i].verb;
    snprintf(order.node, sizeof order.node, "%s", name);
    if (read_process(request, &order.process, &error) < 0)
        hive_request_reply_problem(request, 400, "bad-request", "%s", error.message);
    else
        give(context, &order);
}

static const struct hive_route routes[] = {
    {"GET", "/cluster", handle_cluster, HIVE_ACCESS_ANYONE, 0, "The ledger"},
    {"POST", "/nodes/NAME/VERB", handle_node, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES,
     "Kill, pause, restart, resume or stop a node"},
    {"POST", "/stop", handle_stop, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES, "End the cluster"},
    {0},
};

int control_start(const char *socket_path, struct control **control, struct hive_error *error)
{
    struct control *made = hive_calloc(1, sizeof *made);
    pthread_mutex_init(&made->lock, NULL);
    made->last = &made->first;
    made->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    const struct hive_server_config config = {
        .address = (const struct sockaddr *)&address,
        .address_bytes = sizeof address,
        .listen_socket = -1,
        .routes = routes,
        .context = made,
        .threads = SERVER_THREADS,
    };
    int result = made->event < 0
                     ? hive_error_set(error, -errno, "cannot make an eventfd: %s", strerror(errno))
                     : hive_server_start(&config, &made->server, error);
    if (result) {
        control_destroy(made);
        return result;
    }
    *control = made;
    return 0;
}

int control_descriptor(const struct control *control)
{
    return control->event;
}

struct control_order *control_take(struct control *control)
{
    eventfd_t count;
    pthread_mutex_lock(&control->lock);
    eventfd_read(control->event, &count);
    struct control_order *orders = control->first;
    control->first = NULL;
    control->last = &control->first;
    control->waiting = 0;
    pthread_mutex_unlock(&control->lock);
    return orders;
}

void control_destroy(struct control *control)
{
    if (!control)
        return;
    pthread_mutex_lock(&control->lock);
    control->is_closed = true;
    pthread_mutex_unlock(&control->lock);
    for (struct control_order *order = control_take(control), *next; order; order = next) {
        next = order->next;
        hive_request_reply_problem(order->request, 503, "stopping",
                                   "the cluster has ended: start it with launcher");
        free(order);
    }
    if (control->server)
        hive_server_destroy(control->server);
    if (control->event >= 0)
        close(control->event);
    pthread_mutex_destroy(&control->lock);
    free(control);
}

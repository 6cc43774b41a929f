/* Where the server's threads and the supervisor's meet: a list under a lock, and an eventfd that the
 * supervisor polls. */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "hive/memory.h"

#define ORDERS_MAX       64   /* more than a person, a dashboard and a test together ever have under way */
#define ORDER_BODY_BYTES 4096 /* a pid and a start time, or two names and a few numbers */
#define SERVER_THREADS   1

struct control {
    struct hive_server *server;
    int event; /* eventfd: its count is > 0 while `first` is set */
    pthread_mutex_t lock;
    struct control_order *first, **last; /* under the lock */
    size_t waiting;                      /* under the lock */
    bool is_closed;                      /* under the lock: nobody takes orders any more */
};

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

static void give_if_parsed(struct hive_request *request, void *context, enum control_verb verb,
                           int (*parse)(struct control_order *, struct hive_error *))
{
    struct control_order order = {.request = request, .verb = verb};
    struct hive_error error;
    int result = parse ? parse(&order, &error) : 0;
    if (result)
        hive_request_reply_problem(request, result == -ENOENT ? 404 : 400,
                                   result == -ENOENT ? "not-found" : "bad-request", "%s", error.message);
    else
        give(context, &order);
}

static void handle_cluster(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_SHOW, NULL);
}

static void handle_stop(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_END, NULL);
}

static void handle_node(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_SHOW, control_parse_node);
}

static void handle_add(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_ADD, control_parse_add);
}

static void handle_remove(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_REMOVE, control_parse_remove);
}

static void handle_links(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_SHOW_LINKS, NULL);
}

static void handle_link(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_LINK, control_parse_link);
}

static void handle_heal(struct hive_request *request, void *context)
{
    give_if_parsed(request, context, CONTROL_HEAL, control_parse_heal);
}

static const struct hive_route routes[] = {
    {"GET", "/cluster", handle_cluster, HIVE_ACCESS_ANYONE, 0, "The ledger"},
    {"POST", "/nodes", handle_add, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES, "Add queens or drones"},
    {"DELETE", "/nodes/NAME", handle_remove, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES,
     "Take a node out, for good"},
    {"POST", "/nodes/NAME/VERB", handle_node, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES,
     "Kill, pause, restart, resume, stop or wipe a node"},
    {"GET", "/links", handle_links, HIVE_ACCESS_ANYONE, 0, "What is done to links between nodes"},
    {"POST", "/links", handle_link, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES, "Cut, delay or make links lose"},
    {"DELETE", "/links", handle_heal, HIVE_ACCESS_ANYONE, ORDER_BODY_BYTES, "Heal one link, or all"},
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

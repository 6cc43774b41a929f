/* A node's life: take the address, start the queen or the drone behind it, serve until a signal says stop,
 * end in the opposite order. */
#include "http/node.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drone/drone.h"
#include "faults/faults.h"
#include "hive/clock.h"
#include "hive/log.h"
#include "hive/version.h"
#include "queen/queen.h"
#include "store/store.h"

/* §9 of the design: who listens beyond loopback must know whom it talks to. */
static int check_exposure(const struct node_config *config, const struct sockaddr_storage *address,
                          struct hive_error *error)
{
    if (hive_address_is_loopback(address))
        return 0;
    if (!config->token)
        return hive_error_set(
            error, -EPERM,
            "listening on %s, which others can reach, needs a token: give one with --token-file FILE, or "
            "listen on 127.0.0.1",
            config->listen.host);
    if (!config->insecure)
        return hive_error_set(
            error, -EPERM,
            "listening on %s, which others can reach, sends the token in clear text, because this version "
            "has no TLS: put it behind a TLS proxy or a VPN and say --insecure, or listen on 127.0.0.1",
            config->listen.host);
    return 0;
}

/* Binds and listens before anything else starts: the port is known from here on (where it was 0), and
 * connections that come before the server wait for it. */
static int open_listener(struct node *node, bool *is_loopback, int *listener, struct hive_error *error)
{
    struct sockaddr_storage address;
    socklen_t bytes;
    int code = hive_address_resolve(&node->config->listen, &address, &bytes, error);
    if (!code)
        code = check_exposure(node->config, &address, error);
    if (code)
        return code;
    char text[HIVE_ADDRESS_BYTES];
    hive_address_format(&node->config->listen, text);
    int on = 1, fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&address, bytes) || listen(fd, SOMAXCONN)) {
        code = -errno;
        if (fd >= 0)
            close(fd);
        return hive_error_set(error, code, "cannot listen on %s: %s%s", text, strerror(-code),
                              code == -EADDRINUSE ? " (choose another with --port, or stop what holds it)"
                                                  : "");
    }
    getsockname(fd, (struct sockaddr *)&address, &bytes);
    struct hive_address bound = node->config->listen;
    bound.port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                     : ((struct sockaddr_in *)&address)->sin_port);
    hive_address_format(&bound, text);
    snprintf(node->address, sizeof node->address, "%s",
             node->config->address[0] ? node->config->address : text);
    *is_loopback = hive_address_is_loopback(&address);
    *listener = fd;
    return 0;
}

/* Makes the data directory out of a backup. */
static int restore(const struct node *node, struct hive_error *error)
{
    const struct node_config *config = node->config;
    int code = store_restore(config->data_directory, config->restore, node->address, error);
    if (code)
        return hive_error_prefix(error, code, "cannot restore%s",
                                 code == -EEXIST ? " (leave --restore out to go on with what is there)" : "");
    hive_log_info("restored", LOG_S("from", config->restore), LOG_S("to", config->data_directory));
    return 0;
}

static int start_queen(struct node *node, struct hive_error *error)
{
    const struct node_config *config = node->config;
    struct queen_config queen = {
        .queens = &config->queens,
        .join = &config->join,
        .standby = config->standby,
        .data_directory = config->data_directory,
        .token = config->token,
        .election_timeout = config->election_timeout,
        .heartbeat_ms = config->heartbeat_ms,
        .request_timeout_ms = config->request_timeout_ms,
        .snapshot_entries = config->snapshot_entries,
        .snapshot_bytes = config->snapshot_bytes,
        .read_lease = config->read_lease,
        .clock_drift_percent = config->clock_drift_percent,
        .drone_heartbeat_ms = config->drone_heartbeat_ms,
        .drone_suspect_ms = config->drone_suspect_ms,
        .drone_lost_ms = config->drone_lost_ms,
        .faults = node->faults,
    };
    snprintf(queen.address, sizeof queen.address, "%s", node->address);
    int code = config->restore ? restore(node, error) : 0;
    return code ? code : queen_start(&queen, &node->queen, error);
}

static void create_drone(struct node *node)
{
    const struct node_config *config = node->config;
    struct drone_config drone = {
        .address = node->address,
        .name = config->name,
        .queens = &config->queens,
        .capacity = config->capacity,
        .token = config->token,
        .register_ms = config->register_ms,
        .faults = node->faults,
    };
    node->drone = drone_create(&drone);
}

/* An answer to another node is a message to it; clients do not say that they are nodes. */
static int64_t answer_wait(const struct hive_request *request, void *context)
{
    const struct node *node = context;
    const char *asking = hive_request_header(request, FAULTS_NODE_HEADER);
    _Static_assert(FAULTS_LOST == HIVE_ANSWER_LOST, "the server and the rules mean the same");
    return asking ? faults_judge(node->faults, asking) : 0;
}

static int start_server(struct node *node, int listener, bool is_loopback, struct hive_error *error)
{
    struct hive_server_config server = {
        .listen_socket = listener,
        .routes = node_routes,
        .context = node,
        .token = node->config->token,
        .token_for_public = !is_loopback,
        .threads = HIVE_SERVER_THREADS,
        .wait = node->config->enable_faults ? answer_wait : NULL,
    };
    return hive_server_start(&server, &node->server, error);
}

static void stop(struct node *node)
{
    /* A leader hands its office over first, and in a group of two needs the other's calls for that: until then the server takes
     * them. Whoever comes later is told that this queen is stopping. */
    if (node->queen)
        queen_stop(node->queen);
    if (node->server)
        hive_server_quiesce(node->server);
    if (node->drone)
        drone_stop(node->drone);
    if (node->server)
        hive_server_destroy(node->server);
    queen_destroy(node->queen);
    if (node->drone)
        drone_destroy(node->drone);
    faults_destroy(node->faults);
}

/* Connections, segments and requests under way need more descriptors than the usual soft limit of 1024. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int node_run(const struct node_config *config, struct hive_error *error)
{
    /* Blocked before the first thread exists, so that all inherit it and sigwait below is the only one to see
     * them. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is like a full disk: the write fails */
    raise_descriptor_limit();

    struct node node = {
        .config = config, .started_ms = hive_clock_monotonic_ms(), .process = hive_process_of(getpid())};
    bool is_loopback = false;
    int listener = -1, code = open_listener(&node, &is_loopback, &listener, error);
    if (code)
        return code;
    node.faults = faults_create(node.address, config->enable_faults);
    if (config->mode == HIVE_MODE_QUEEN)
        code = start_queen(&node, error);
    else
        create_drone(&node);
    if (code)
        close(listener);
    else
        code = start_server(&node, listener, is_loopback, error);
    if (!code && node.drone)
        code = drone_start(node.drone, error);
    if (!code) {
        hive_log_info("started", LOG_S("mode", hive_mode_names[config->mode]), LOG_S("address", node.address),
                      LOG_S("version", HIVE_VERSION), LOG_N("pid", getpid()));
        int signal_number;
        sigwait(&ends, &signal_number);
        hive_log_info("stopping", LOG_S("signal", signal_number == SIGTERM  ? "TERM"
                                                  : signal_number == SIGINT ? "INT"
                                                                            : "HUP"));
    }
    stop(&node);
    if (!code)
        hive_log_info("stopped");
    return code;
}

/* What a node was asked to be, checked before anything is opened: each mistake that can be seen on the
 * command line alone is told there, with what to type instead. */
#include "cli/node.h"

#include <errno.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/token.h"
#include "hive/encoding.h"
#include "hive/file.h"
#include "hive/memory.h"

#define QUEEN_PORT     8080
#define DRONE_PORT     5001
#define DRONE_CAPACITY 4
#define DEFAULT_HOST   "127.0.0.1"

static int check_mode(const struct cli_node *node, struct hive_error *error)
{
    bool is_drone = node->queen_hosts.count > 0;
    if (node->queen && is_drone)
        return hive_error_set(error, -EINVAL,
                              "--queen and --queen-host exclude each other: a node is a queen, whose "
                              "group is named by --queen-list, or a drone");
    if (!node->queen && !is_drone)
        return hive_error_set(error, -EINVAL,
                              "what shall it be? --queen runs a queen, --queen-host HOST:PORT a drone, "
                              "and a verb such as 'status' asks a cluster");
    if (is_drone && node->queen_list.count)
        return hive_error_set(error, -EINVAL,
                              "--queen-list is for queens: tell a drone its queens with --queen-host");
    const char *for_queens = node->join.count ? "join"
                             : node->standby  ? "standby"
                             : node->restore  ? "restore"
                                              : NULL;
    if (is_drone && for_queens)
        return hive_error_set(error, -EINVAL, "--%s is for queens: leave it out, or say --queen", for_queens);
    if (node->queen && (node->name || node->capacity))
        return hive_error_set(error, -EINVAL,
                              "--%s is for drones: leave it out, or run a drone with --queen-host",
                              node->name ? "name" : "capacity");
    if (node->name && !hive_is_name(node->name))
        return hive_error_set(
            error, -EINVAL,
            "'%.80s' cannot be a name: take up to %d letters, digits and . _ -, a letter or digit first",
            node->name, HIVE_NAME_BYTES - 1);
    return 0;
}

/* The ways in which a new queen comes to a group; without any she is one by herself. */
static int check_origin(const struct cli_node *node, struct hive_error *error)
{
    const struct {
        const char *option, *meaning;
        bool is_given;
    } ways[] = {
        {"queen-list", "founds a group together with those queens", node->queen_list.count > 0},
        {"join", "becomes a member of a group that there is", node->join.count > 0},
        {"standby", "waits to be added to one", node->standby},
        {"restore", "begins a new group with a backup", node->restore != NULL},
    };
    size_t first = sizeof ways / sizeof *ways;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (!ways[i].is_given)
            continue;
        if (first < i)
            return hive_error_set(error, -EINVAL,
                                  "--%s and --%s exclude each other: with --%s a queen %s, with --%s she %s",
                                  ways[first].option, ways[i].option, ways[first].option, ways[first].meaning,
                                  ways[i].option, ways[i].meaning);
        first = i;
    }
    if (node->restore && !*node->restore)
        return hive_error_set(error, -EINVAL, "--restore is empty: name the file of a backup");
    return 0;
}

static int check_times(const struct cli_node *node, struct hive_error *error)
{
    if (node->heartbeat_ms >= node->election_timeout.min_ms)
        return hive_error_set(
            error, -EINVAL,
            "--heartbeat (%lld ms) must be shorter than the shorter --election-timeout (%lld ms), or "
            "followers take a living leader for dead: take a third of it or less",
            (long long)node->heartbeat_ms, (long long)node->election_timeout.min_ms);
    if (node->drone_heartbeat_ms >= node->drone_suspect_ms || node->drone_suspect_ms >= node->drone_lost_ms)
        return hive_error_set(
            error, -EINVAL,
            "--drone-heartbeat (%lld ms), --drone-suspect (%lld ms) and --drone-lost (%lld ms) must "
            "each be longer than the one before",
            (long long)node->drone_heartbeat_ms, (long long)node->drone_suspect_ms,
            (long long)node->drone_lost_ms);
    return 0;
}

/* An address as all nodes should write it, so that it is the same in every list: without the spelling localhost. */
static int parse_address(const char *option, const char *text, struct hive_address *address,
                         struct hive_error *error)
{
    int result = hive_address_parse(text, address, error);
    if (result)
        return hive_error_prefix(error, result, "--%s", option);
    if (strcasecmp(address->host, "localhost") == 0)
        snprintf(address->host, sizeof address->host, "%s", DEFAULT_HOST);
    return 0;
}

static int parse_address_to_call(const char *option, const char *text, struct hive_address *address,
                                 struct hive_error *error)
{
    int result = parse_address(option, text, address, error);
    if (!result && address->port == 0)
        result = hive_error_set(error, -EINVAL, "--%s: nobody can be called on port 0, as in '%.200s'",
                                option, text);
    return result;
}

static int configure_listen(const struct cli_node *node, struct node_config *config, struct hive_error *error)
{
    struct hive_address *listen = &config->listen;
    if (node->listen)
        return parse_address("listen", node->listen, listen, error);
    listen->port = (uint16_t)(node->port >= 0 ? node->port : node->queen ? QUEEN_PORT : DRONE_PORT);
    if (node->interface) {
        int result = hive_address_of_interface(node->interface, listen->host, error);
        return result ? hive_error_prefix(error, -EINVAL, "--interface") : 0;
    }
    snprintf(listen->host, sizeof listen->host, "%s", DEFAULT_HOST);
    return 0;
}

static bool is_any_host(const char *host)
{
    return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static int configure_address(const struct cli_node *node, struct node_config *config,
                             struct hive_error *error)
{
    struct hive_address address = config->listen;
    if (node->advertise) {
        int result = parse_address_to_call("advertise", node->advertise, &address, error);
        if (result)
            return result;
    } else if (is_any_host(address.host)) {
        return hive_error_set(error, -EINVAL,
                              "%s is every address of this machine and none to call: say with "
                              "--advertise HOST:PORT under which one others reach this node",
                              address.host);
    } else if (address.port == 0) {
        if (node->queen)
            return hive_error_set(error, -EINVAL,
                                  "a queen is known by its address and needs a port of its own, not 0");
        return 0; /* the port is known once it is bound */
    }
    hive_address_format(&address, config->address);
    return 0;
}

/* Rewrites the list: each address once, in its one spelling, without the node's own. */
static int normalise(const char *option, const char *own, struct hive_strings *list, struct hive_error *error)
{
    size_t kept = 0;
    int result = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct hive_address address;
        char text[HIVE_ADDRESS_BYTES] = "";
        if (!result)
            result = parse_address_to_call(option, list->items[i], &address, error);
        if (!result)
            hive_address_format(&address, text);
        free((void *)(uintptr_t)list->items[i]);
        bool is_known = result || strcmp(text, own) == 0;
        for (size_t j = 0; j < kept; j++)
            is_known |= strcmp(list->items[j], text) == 0;
        if (!is_known)
            list->items[kept++] = hive_strdup(text);
    }
    list->count = kept;
    return result;
}

static int configure_queens(struct cli_node *node, struct node_config *config, struct hive_error *error)
{
    struct hive_strings *list = node->queen ? &node->queen_list : &node->queen_hosts;
    int result = normalise(node->queen ? "queen-list" : "queen-host", config->address, list, error);
    if (result)
        return result;
    config->queens = *list;
    bool is_joining = node->join.count > 0;
    result = normalise("join", config->address, &node->join, error);
    if (result)
        return result;
    config->join = node->join;
    if (is_joining && node->join.count == 0)
        return hive_error_set(error, -EINVAL, "--join names this queen herself: name one of the group");
    if (!node->queen && list->count == 0)
        return hive_error_set(error, -EINVAL, "--queen-host names this drone itself: name a queen");
    size_t group = list->count + 1;
    if (group > HIVE_QUEENS)
        return hive_error_set(error, -EINVAL, "a group of %zu queens is too large: %d are the most", group,
                              HIVE_QUEENS);
    if (node->queen && group % 2 == 0)
        hive_log_warning("even number of queens", LOG_N("queens", group), LOG_N("may_fail", (group - 1) / 2),
                         LOG_S("advice", "one queen less bears as many failures, one more bears another"));
    return 0;
}

static int configure_token(struct cli_node *node, struct node_config *config, struct hive_error *error)
{
    if (!node->token_file) {
        int result = hive_token_of_environment(node->token, error);
        config->token = !result && *node->token ? node->token : NULL;
        return result;
    }
    int result = hive_token_read(node->token_file, node->token, error);
    if (result)
        return hive_error_prefix(error, result, "--token-file");
    struct stat status;
    if (stat(node->token_file, &status) == 0 && status.st_mode & (S_IRGRP | S_IROTH))
        hive_log_warning("token file is readable by others", LOG_S("file", node->token_file),
                         LOG_S("advice", "chmod 600 it, and change the token if the others are not trusted"));
    config->token = node->token;
    return 0;
}

/* Beyond loopback strangers can call, and what is said can be read on the way. */
static int check_exposure(const struct node_config *config, struct hive_error *error)
{
    struct sockaddr_storage socket_address;
    socklen_t bytes;
    int result = hive_address_resolve(&config->listen, &socket_address, &bytes, error);
    if (result)
        return hive_error_prefix(error, result, "cannot listen");
    if (hive_address_is_loopback(&socket_address))
        return 0;
    if (!config->token)
        return hive_error_set(
            error, -EINVAL,
            "to listen on %s, beyond this machine, the cluster needs a token: write a secret word to a "
            "file and give it to every node with --token-file FILE (or $HIVE_TOKEN)",
            config->listen.host);
    if (!config->insecure)
        return hive_error_set(
            error, -EINVAL,
            "TLS is not built yet: on %s, beyond this machine, the token and all data can be read on "
            "the way; say --insecure if that network is trusted",
            config->listen.host);
    return 0;
}

static int configure_data_directory(struct cli_node *node, struct node_config *config,
                                    struct hive_error *error)
{
    config->data_directory = node->data_directory;
    if (node->data_directory && !*node->data_directory)
        return hive_error_set(error, -EINVAL, "--data-dir is empty: name a directory, or leave it out");
    if (node->data_directory || !node->queen)
        return 0;
    char *state = hive_file_state_directory(error);
    if (!state)
        return hive_error_prefix(error, -ENOENT, "no place for the log (name one with --data-dir)");
    char place[HIVE_ADDRESS_BYTES];
    snprintf(place, sizeof place, "%s", config->address);
    char *colon = strrchr(place, ':');
    *colon = '_';
    node->default_data_directory = hive_format("%s/nodes/%s", state, place);
    config->data_directory = node->default_data_directory;
    free(state);
    return 0;
}

int cli_node_configure(struct cli_node *node, struct node_config *config, struct hive_error *error)
{
    hive_log_configure((enum hive_log_level)node->log_level, (enum hive_log_format)node->log_format);
    *config = (struct node_config){
        .mode = node->queen ? HIVE_MODE_QUEEN : HIVE_MODE_DRONE,
        .insecure = node->insecure,
        .enable_faults = node->enable_faults,
        .election_timeout = node->election_timeout,
        .heartbeat_ms = node->heartbeat_ms,
        .drone_heartbeat_ms = node->drone_heartbeat_ms,
        .drone_suspect_ms = node->drone_suspect_ms,
        .drone_lost_ms = node->drone_lost_ms,
        .request_timeout_ms = node->request_timeout_ms,
        .standby = node->standby,
        .restore = node->restore,
        .snapshot_entries = node->snapshot_entries,
        .snapshot_bytes = node->snapshot_bytes,
        .read_lease = node->read_lease,
        .clock_drift_percent = (int)node->clock_drift_percent,
        .name = node->name,
        .capacity = node->capacity ? (int)node->capacity : DRONE_CAPACITY,
        .register_ms = node->register_ms,
    };
    int result = check_mode(node, error);
    if (!result)
        result = check_origin(node, error);
    if (!result)
        result = check_times(node, error);
    if (!result)
        result = configure_listen(node, config, error);
    if (!result)
        result = configure_address(node, config, error);
    if (!result)
        result = configure_queens(node, config, error);
    if (!result)
        result = configure_token(node, config, error);
    if (!result)
        result = check_exposure(config, error);
    if (!result)
        result = configure_data_directory(node, config, error);
    return result;
}

void cli_node_finish(struct cli_node *node)
{
    hive_strings_finish(&node->queen_hosts);
    hive_strings_finish(&node->queen_list);
    hive_strings_finish(&node->join);
    free(node->default_data_directory);
    node->default_data_directory = NULL;
}

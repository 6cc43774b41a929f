/* Who is in a cluster and where each listens. A node's name, port and directory are settled once, when the
 * cluster is made, and stay with it through every restart: the other queens know it by its address. */
#include "layout.h"

#include <errno.h>

#include "hive/address.h"
#include "hive/clock.h"
#include "hive/memory.h"
#include "ports.h"
#include "spawn.h"

/* Marks the ports of all other running clusters, of their nodes that are down too. */
static int mark_ports_of_others(struct ports *ports, const char *own_name, struct hive_error *error)
{
    char **names = NULL;
    size_t count = 0;
    int result = hive_ledger_names(&names, &count, error);
    for (size_t i = 0; i < count; i++) {
        struct hive_ledger other = {0};
        if (strcmp(names[i], own_name) != 0 && hive_ledger_load(names[i], &other, NULL) == 0 &&
            hive_ledger_is_running(&other)) {
            struct hive_address address;
            for (size_t n = 0; n < other.node_count; n++)
                if (hive_address_parse(other.nodes[n].address, &address, NULL) == 0)
                    ports->is_taken[address.port] = true;
        }
        hive_ledger_finish(&other);
        free(names[i]);
    }
    free(names);
    return result;
}

static void make_node(const struct hive_ledger *ledger, enum hive_role role, size_t number, uint16_t port,
                      struct hive_ledger_node *node)
{
    *node = (struct hive_ledger_node){.role = role, .state = HIVE_NODE_STOPPED};
    node->changed_at_ms = hive_clock_unix_ms();
    snprintf(node->name, sizeof node->name, "%c%zu", role == HIVE_ROLE_QUEEN ? 'q' : 'd', number);
    snprintf(node->address, sizeof node->address, "127.0.0.1:%u", port);
    node->data_directory = hive_format("%s/data/%s", ledger->directory, node->name);
    node->log_path = hive_format("%s/logs/%s.log", ledger->directory, node->name);
}

/* Adds `count` nodes of one role behind those that are there. */
static void add_nodes(struct hive_ledger *ledger, enum hive_role role, const uint16_t *chosen, size_t count)
{
    for (size_t i = 0; i < count; i++)
        make_node(ledger, role, i + 1, chosen[i], &ledger->nodes[ledger->node_count++]);
}

int layout_make(struct hive_ledger *ledger, const struct cluster_options *options, struct hive_error *error)
{
    size_t queens = options->queens < 0 ? LAYOUT_QUEENS : (size_t)options->queens;
    size_t drones = options->drones < 0 ? LAYOUT_DRONES : (size_t)options->drones;
    uint16_t *chosen = hive_calloc(queens + drones, sizeof *chosen);
    struct ports *ports = hive_calloc(1, sizeof *ports);
    ports->can_bind = ports_can_bind;

    int result = mark_ports_of_others(ports, ledger->name, error);
    if (!result)
        result =
            ports_choose(ports, PORTS_QUEENS, options->queen_port, queens, "--port-queens", chosen, error);
    if (!result)
        result = ports_choose(ports, PORTS_DRONES, options->drone_port, drones, "--port-drones",
                              chosen + queens, error);
    if (!result) {
        ledger->nodes = hive_calloc(queens + drones, sizeof *ledger->nodes);
        add_nodes(ledger, HIVE_ROLE_QUEEN, chosen, queens);
        add_nodes(ledger, HIVE_ROLE_DRONE, chosen + queens, drones);
    }
    free(ports);
    free(chosen);
    return result;
}

/* How many nodes of the role there are, and where the first listens (0: nowhere). */
static size_t count_role(const struct hive_ledger *ledger, enum hive_role role, uint16_t *first_port)
{
    size_t count = 0;
    *first_port = 0;
    for (size_t i = 0; i < ledger->node_count; i++) {
        struct hive_address address;
        if (ledger->nodes[i].role != role)
            continue;
        if (count++ == 0 && hive_address_parse(ledger->nodes[i].address, &address, NULL) == 0)
            *first_port = address.port;
    }
    return count;
}

/* The highest number of a node of that role. */
static size_t last_number(const struct hive_ledger *ledger, enum hive_role role)
{
    size_t last = 0;
    for (size_t i = 0; i < ledger->node_count; i++) {
        size_t number = strtoul(ledger->nodes[i].name + 1, NULL, 10);
        if (ledger->nodes[i].role == role && number > last)
            last = number;
    }
    return last;
}

int layout_grow(const struct hive_ledger *ledger, enum hive_role role, size_t count,
                struct hive_ledger_node *nodes, struct hive_error *error)
{
    uint16_t first_port;
    count_role(ledger, role, &first_port);
    if (!first_port)
        first_port = role == HIVE_ROLE_QUEEN ? PORTS_QUEENS : PORTS_DRONES;
    uint16_t *chosen = hive_calloc(count, sizeof *chosen);
    struct ports *ports = hive_calloc(1, sizeof *ports);
    ports->can_bind = ports_can_bind;
    /* Nobody's own name: the ports of this cluster's nodes are taken, too. */
    int result = mark_ports_of_others(ports, "", error);
    if (!result)
        result = ports_choose(ports, first_port, 0, count, "--port-queens", chosen, error);
    for (size_t i = 0; i < count && !result; i++)
        make_node(ledger, role, last_number(ledger, role) + i + 1, chosen[i], &nodes[i]);
    free(ports);
    free(chosen);
    return result;
}

int layout_check(const struct hive_ledger *ledger, const struct cluster_options *options,
                 struct hive_error *error)
{
    uint16_t queen_port, drone_port;
    size_t queens = count_role(ledger, HIVE_ROLE_QUEEN, &queen_port);
    size_t drones = count_role(ledger, HIVE_ROLE_DRONE, &drone_port);
    if ((options->queens >= 0 && (size_t)options->queens != queens) ||
        (options->drones >= 0 && (size_t)options->drones != drones))
        return hive_error_set(
            error, -EINVAL,
            "cluster %s has %zu queens and %zu drones: start it without --queens and --drones, choose "
            "another --name, or remove %s to begin anew",
            ledger->name, queens, drones, ledger->directory);
    if ((options->queen_port && options->queen_port != queen_port) ||
        (options->drone_port && drones > 0 && options->drone_port != drone_port))
        return hive_error_set(
            error, -EINVAL,
            "cluster %s keeps its ports, from %u (queens) and %u (drones) up: start it without "
            "--port-queens and --port-drones, or choose another --name",
            ledger->name, queen_port, drone_port);
    for (size_t i = 0; i < ledger->node_count; i++) {
        struct hive_address address;
        int result = hive_address_parse(ledger->nodes[i].address, &address, error);
        if (result)
            return hive_error_prefix(error, result, "%s of cluster %s", ledger->nodes[i].name, ledger->name);
        if (!ports_can_bind(address.port))
            return hive_error_set(
                error, -EADDRINUSE,
                "port %u of %s in cluster %s is taken: end what listens there (ss -ltnp shows it) "
                "and start again",
                address.port, ledger->nodes[i].name, ledger->name);
    }
    return 0;
}

int layout_set_programs(struct hive_ledger *ledger, const struct hive_strings *programs,
                        struct hive_error *error)
{
    for (size_t i = 0; i < ledger->node_count; i++) {
        free(ledger->nodes[i].program); /* the command line of each start says it anew */
        ledger->nodes[i].program = NULL;
    }
    for (size_t i = 0; programs && i < programs->count; i++) {
        char name[HIVE_NAME_BYTES];
        const char *text = programs->items[i], *equals = strchr(text, '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
        struct hive_ledger_node *node = hive_ledger_node(ledger, name);
        if (!node)
            return hive_error_set(error, -EINVAL,
                                  "--bin %s: there is no node '%s', they are called q1, d1 and so on", text,
                                  name);
        int result = spawn_check(equals + 1, "--bin", error);
        if (result)
            return result;
        free(node->program);
        node->program = realpath(equals + 1, NULL);
    }
    return 0;
}

/* `launcher stop [NODE]`: one node, or the whole cluster; the latter is over when its launcher is. */
#include "command.h"

#include "await.h"
#include "order.h"

#define WORD_MS        1000
#define END_TIMEOUT_MS 20000 /* beyond twice the grace time: drones, then queens */

/* Says who of the cluster is still there. */
static void say_who_is_left(const char *name, int64_t waited_ms)
{
    struct hive_ledger now;
    struct hive_buffer names = {0};
    if (hive_ledger_load(name, &now, NULL))
        return;
    for (size_t i = 0; i < now.node_count; i++)
        if (hive_process_is_alive(now.nodes[i].process))
            hive_buffer_format(&names, "%s%s", names.size ? ", " : "", now.nodes[i].name);
    fprintf(stderr, "waiting for %s (%lld s)\n", names.size ? names.data : "the launcher",
            (long long)(waited_ms / 1000));
    hive_buffer_finish(&names);
    hive_ledger_finish(&now);
}

/* Until the launcher has ended; false: it takes too long. */
static bool await_launcher(const struct hive_ledger *ledger)
{
    for (int64_t waited_ms = 0; waited_ms < END_TIMEOUT_MS; waited_ms += WORD_MS) {
        if (waited_ms > 0)
            say_who_is_left(ledger->name, waited_ms);
        if (await_end(ledger->launcher, WORD_MS))
            return true;
    }
    return false;
}

static enum hive_exit stop_cluster(const struct hive_ledger *ledger)
{
    struct hive_buffer answer = {0};
    enum hive_exit status = order_send(ledger, "/stop", &answer);
    hive_buffer_finish(&answer);
    if (status != HIVE_EXIT_OK)
        return status;
    if (!await_launcher(ledger)) {
        fprintf(stderr, "launcher: %s is still ending after %d s: its launcher is process %d\n", ledger->name,
                END_TIMEOUT_MS / 1000, (int)ledger->launcher.pid);
        return HIVE_EXIT_UNKNOWN;
    }
    printf("%s has ended\n", ledger->name);
    return HIVE_EXIT_OK;
}

int stop_run(const struct hive_command *command, int argc, char **argv)
{
    struct order order;
    struct hive_ledger ledger;
    int status;
    if (order_begin(&order, command, argc, argv, &ledger, &status))
        status = order.arguments.count ? order_send_to_node(&ledger, order.arguments.items[0], "stop")
                                       : stop_cluster(&ledger);
    order_end(&order, &ledger);
    return status;
}

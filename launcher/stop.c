/* `launcher stop [NODE]`: one node, or the whole cluster; the latter is over when its launcher is. */
#include "command.h"

#include "await.h"
#include "order.h"

#define END_TIMEOUT_MS 20000 /* beyond twice the grace time: drones, then queens */

static enum hive_exit stop_cluster(const struct hive_ledger *ledger)
{
    struct hive_buffer answer = {0};
    enum hive_exit status = order_send(ledger, "/stop", &answer);
    hive_buffer_finish(&answer);
    if (status != HIVE_EXIT_OK)
        return status;
    if (!await_end(ledger->launcher, END_TIMEOUT_MS)) {
        fprintf(stderr,
                "launcher: %s is still ending after %d s: its launcher (pid %d) tells whom it waits for\n",
                ledger->name, END_TIMEOUT_MS / 1000, (int)ledger->launcher.pid);
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

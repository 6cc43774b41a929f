/* The other end of the control socket: what the sub-commands say to a launcher that runs. */
#ifndef LAUNCHER_ORDER_H
#define LAUNCHER_ORDER_H

#include "hive/buffer.h"
#include "hive/ledger.h"
#include "hive/options.h"

/* The command line of a verb that sends an order. */
struct order {
    const char *cluster; /* NULL: the only one that runs */
    struct hive_strings arguments;
};

/* Parses the command line and loads the ledger of the cluster that is meant. True where all is well; else
 * `*status` is what to exit with and everything was said. Release with order_end. */
bool order_begin(struct order *order, const struct hive_command *command, int argc, char **argv,
                 struct hive_ledger *ledger, int *status);
void order_end(struct order *order, struct hive_ledger *ledger);

/* Sends POST `path` and awaits the answer. An exit status; where it is not HIVE_EXIT_OK it was said why. The
 * caller releases `answer` in every case. */
enum hive_exit order_send(const struct hive_ledger *ledger, const char *path, struct hive_buffer *answer);

/* Sends `verb` to the node and says what became of it. */
enum hive_exit order_send_to_node(const struct hive_ledger *ledger, const char *node, const char *verb);

#endif

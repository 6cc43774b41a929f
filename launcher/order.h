/* The other end of the control socket: what the sub-commands say to a launcher that runs. */
#ifndef LAUNCHER_ORDER_H
#define LAUNCHER_ORDER_H

#include "hive/buffer.h"
#include "hive/ledger.h"
#include "hive/options.h"

/* The command line of a verb that sends an order. Each verb has the options that it knows. */
struct order {
    const char *cluster; /* NULL: the only one that runs */
    bool by_force, is_one_way, is_json;
    struct hive_strings arguments;
};

/* Parses the command line and loads the ledger of the cluster that is meant. True where all is well; else
 * `*status` is what to exit with and everything was said. Release with order_end. */
bool order_begin(struct order *order, const struct hive_command *command, int argc, char **argv,
                 struct hive_ledger *ledger, int *status);
void order_end(struct order *order, struct hive_ledger *ledger);

/* Sends the request and awaits the answer. An exit status; where it is not HIVE_EXIT_OK it was said why. `body` is
 * JSON, or NULL. The caller releases `answer` in every case. A launcher that does not react is found out within two
 * seconds, before it is asked for anything. */
enum hive_exit order_call(const struct hive_ledger *ledger, const char *method, const char *path,
                          const char *body, struct hive_buffer *answer);

/* The same, and the message goes to `error` instead. Any thread. */
enum hive_exit order_try(const struct hive_ledger *ledger, const char *method, const char *path,
                         const char *body, struct hive_buffer *answer, struct hive_error *error);

/* order_call for POST without a body. */
enum hive_exit order_send(const struct hive_ledger *ledger, const char *path, struct hive_buffer *answer);

/* Sends `verb` to the node (or leader, follower, random) and says what became of it. */
enum hive_exit order_send_to_node(const struct hive_ledger *ledger, const char *node, const char *verb);

/* Prints what an answer of order_call says about its node; `word`: instead of the node's state, or NULL. */
void order_print_node(const struct hive_buffer *answer, const char *word);

#endif

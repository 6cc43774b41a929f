/* The launcher's command line: the program itself and its sub-commands. */
#ifndef LAUNCHER_COMMAND_H
#define LAUNCHER_COMMAND_H

#include "hive/options.h"

/* `launcher [options]`: starts a cluster and stays until it has ended. */
extern const struct hive_option start_options[];
int start_run(const struct hive_command *command, int argc, char **argv);

/* kill, pause, restart and resume: one order to one node each, named like the verb. */
extern const struct hive_option order_options[];
int order_run(const struct hive_command *command, int argc, char **argv);

/* status: what the ledger says, and whether it is still true. */
extern const struct hive_option status_options[];
int status_run(const struct hive_command *command, int argc, char **argv);

/* stop: one node, or the whole cluster. Its options are those of an order. */
int stop_run(const struct hive_command *command, int argc, char **argv);

#endif

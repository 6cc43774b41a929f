/* The launcher's command line: the program itself and its sub-commands. */
#ifndef LAUNCHER_COMMAND_H
#define LAUNCHER_COMMAND_H

#include "hive/options.h"

/* `launcher [options]`: starts a cluster and stays until it has ended. */
extern const struct hive_option start_options[];
int start_run(const struct hive_command *command, int argc, char **argv);

/* kill, pause, restart, resume and wipe: one order to one node each, named like the verb. */
extern const struct hive_option order_options[];
extern const struct hive_option order_force_options[]; /* … for what may cost the majority */
int order_run(const struct hive_command *command, int argc, char **argv);

/* add and remove: nodes come and go. */
int add_run(const struct hive_command *command, int argc, char **argv);
int remove_run(const struct hive_command *command, int argc, char **argv);

/* cut, delay, lose and heal: what happens to links between nodes; links shows it. */
extern const struct hive_option order_link_options[];
extern const struct hive_option order_show_options[];
int link_run(const struct hive_command *command, int argc, char **argv);
int heal_run(const struct hive_command *command, int argc, char **argv);
int links_run(const struct hive_command *command, int argc, char **argv);

/* status: what the ledger says, and whether it is still true. */
extern const struct hive_option status_options[];
int status_run(const struct hive_command *command, int argc, char **argv);

/* stop: one node, or the whole cluster. Its options are those of an order. */
int stop_run(const struct hive_command *command, int argc, char **argv);

#endif

/* The launcher's command line: the program itself and its sub-commands. */
#ifndef LAUNCHER_COMMAND_H
#define LAUNCHER_COMMAND_H

#include "hive/options.h"

/* The program itself; its verbs are in there. */
extern const struct hive_command launcher_command;

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

/* chaos: faults, clients and a verdict. */
extern const struct hive_option chaos_options[];
int chaos_run(const struct hive_command *command, int argc, char **argv);

/* lesson: a walk on a live cluster, told and checked. */
extern const struct hive_option lesson_options[];
int lesson_run_verb(const struct hive_command *command, int argc, char **argv);

/* status: what the ledger says, and whether it is still true. */
extern const struct hive_option status_options[];
int status_run(const struct hive_command *command, int argc, char **argv);

/* logs and attach: what nodes say; attach without a node is the launcher's own terminal. */
extern const struct hive_option logs_options[], attach_options[];
int logs_run(const struct hive_command *command, int argc, char **argv);
int attach_run(const struct hive_command *command, int argc, char **argv);

/* ps and prune: all clusters, and what is left of them. */
extern const struct hive_option ps_options[], prune_options[];
int ps_run(const struct hive_command *command, int argc, char **argv);
int prune_run(const struct hive_command *command, int argc, char **argv);

/* stop: one node, or the whole cluster. Its options are those of an order. */
int stop_run(const struct hive_command *command, int argc, char **argv);

#endif

/* The client verbs: `hive put`, `hive status` … One verb a file; what they share is here. Thread: main. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <cjson/cJSON.h>

#include "hive/api.h"
#include "hive/options.h"

/* The verbs, in alphabetical order, ending with a zeroed element. */
extern const struct hive_command cli_verbs[];

/* What every verb begins with: the first member of the struct that its options are parsed into. */
struct cli {
    struct hive_strings connect;
    const char *cluster;
    bool json;
    int64_t timeout_ms;
    struct hive_strings arguments;
    struct hive_target target; /* where the cluster is; found by cli_begin */
    const char *doubt; /* the command that tells whether a change was made whose answer was lost; or NULL */
};

#define CLI_TIMEOUT_MS 10000

/* The rows that every verb's table of options ends with. */
#define CLI_OPTIONS                                                                                          \
    {.name = "connect",                                                                                      \
     .type = HIVE_OPTION_LIST,                                                                               \
     .offset = offsetof(struct cli, connect),                                                                \
     .argument = "HOST:PORT",                                                                                \
     .help = "Queens to ask, in turn (default: $HIVE_CONNECT, or the cluster that runs on this machine)",    \
     .group = "Cluster",                                                                                     \
     .completion = "node"},                                                                                  \
        {.name = "cluster",                                                                                  \
         .type = HIVE_OPTION_STRING,                                                                         \
         .offset = offsetof(struct cli, cluster),                                                            \
         .argument = "NAME",                                                                                 \
         .help = "The cluster of this launcher on this machine",                                             \
         .group = "Cluster",                                                                                 \
         .completion = "cluster"},                                                                           \
        {.name = "timeout",                                                                                  \
         .type = HIVE_OPTION_MS,                                                                             \
         .offset = offsetof(struct cli, timeout_ms),                                                         \
         .argument = "TIME",                                                                                 \
         .help = "How long to try while there is no leader or no answer (10s; for status 2s)",               \
         .group = "Cluster",                                                                                 \
         .min = 1,                                                                                           \
         .max = 24 * 3600 * 1000},                                                                           \
        {.name = "json",                                                                                     \
         .type = HIVE_OPTION_FLAG,                                                                           \
         .offset = offsetof(struct cli, json),                                                               \
         .help = "Print one JSON object instead of text",                                                    \
         .group = "Cluster"},                                                                                \
    {                                                                                                        \
        0                                                                                                    \
    }

/* Parses the command line into the struct that begins with `cli`, and finds the cluster. False where the verb
 * ends here, with `*exit_status`. After true, cli_end() releases. */
bool cli_begin(struct cli *cli, const struct hive_command *command, int argc, char **argv, int *exit_status);
/* The same in two steps, for verbs that do not always need a cluster. Each leaves nothing to release where it is
 * false. */
bool cli_parse(struct cli *cli, const struct hive_command *command, int argc, char **argv, int *exit_status);
bool cli_find(struct cli *cli, int *exit_status);
void cli_end(struct cli *cli);

/* True where the first argument can be a key of the store; else it says what is wrong. */
bool cli_has_key(const struct cli *cli);

/* hive_call() to the cluster; what failed is printed. Release the answer in every case. */
enum hive_exit cli_call(const struct cli *cli, struct hive_call call, struct hive_answer *answer);

/* The JSON object that `GET path` gives, to be deleted by the caller; NULL and a message where it failed. */
cJSON *cli_get_json(const struct cli *cli, const char *path, enum hive_exit *exit_status);

/* The JSON object of an answer; NULL where it is none, which is printed. */
cJSON *cli_answer_json(const struct hive_answer *answer);

/* Prints "hive: MESSAGE" on standard error and returns `exit_status`. */
enum hive_exit cli_fail(enum hive_exit exit_status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the JSON on a line of its own and deletes it. */
void cli_print_json(cJSON *json);

/* Adds NAME with the bytes as text, or NAME_base64 where they are not text. */
void cli_add_bytes(cJSON *object, const char *name, const void *data, size_t bytes);

/* The other way round: appends the bytes of NAME or NAME_base64. False where there is neither. */
bool cli_get_bytes(const cJSON *object, const char *name, struct hive_buffer *bytes);

/* The verbs' own parts of the table. */
#define CLI_VERB(verb)                                                                                       \
    extern const struct hive_option cli_##verb##_options[];                                                  \
    int cli_##verb(const struct hive_command *command, int argc, char **argv)

CLI_VERB(del);
CLI_VERB(drones);
CLI_VERB(get);
CLI_VERB(members);
CLI_VERB(put);
CLI_VERB(snapshot);
CLI_VERB(status);
CLI_VERB(submit);
CLI_VERB(tasks);
CLI_VERB(watch);

#endif

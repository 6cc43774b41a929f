/* Listings that come in pages: GET again with `after` until there is no more. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "cli/cli.h"

/* Appends what a page's last entry is called, for `after`; false where it has no name. */
typedef bool cli_pages_key(const cJSON *entry, struct hive_buffer *key);

struct cli_pages {
    const char *path;  /* with a query: "/tasks?limit=100" */
    const char *array; /* the field that holds the entries */
    cli_pages_key *key_of;
};

/* All entries as {ARRAY: […]}, to be deleted by the caller; NULL where it failed, which is printed. */
cJSON *cli_pages_get(const struct cli *cli, const struct cli_pages *pages, enum hive_exit *exit_status);

#endif

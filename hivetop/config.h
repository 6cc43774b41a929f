/* What the dashboard remembers from one run to the next: `$XDG_CONFIG_HOME/hive/hivetop.conf`, lines of "name = value". Only
 * what was changed by keys is written, into its line; comments and names that are not known stay. One thread. */
#ifndef HIVETOP_CONFIG_H
#define HIVETOP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "hive/error.h"
#include "ui.h"

#define CONFIG_BYTES ((size_t)64 * 1024) /* a larger file is no configuration */

struct settings {
    char theme[UI_THEME_BYTES];
    int64_t interval_ms;
    enum sort_column sort;
    bool is_sort_reversed;
    bool has_details;
    bool has_mouse;
};

struct config {
    char *path;               /* owned; NULL: there is none, nothing is kept */
    bool is_damaged;          /* somebody has to look at it before it is written to */
    struct settings settings; /* as the file, or the command line, has them */
};

/* Reads the file at `path`, or (NULL) the usual one, over the settings that are there. No file is fine. -EINVAL and a message
 * that names the line where it is damaged: its good lines count all the same. */
int config_load(struct config *config, const char *path, struct hive_error *error);
void config_finish(struct config *config);

/* Writes what is not as it was, in one step. 0, or a negative errno and a message: nothing was written. */
int config_save(struct config *config, const struct settings *settings, struct hive_error *error);

#endif

/* Tables with aligned columns, for people: coloured on a terminal unless $NO_COLOR is set, else plain. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hive/buffer.h"

struct cli_table_column {
    const char *title;
    bool is_number; /* to the right */
};

struct cli_table {
    const struct cli_table_column *columns;
    size_t column_count;
    char **cells; /* owned; row after row */
    size_t cell_count;
};

#define CLI_TABLE(table_columns)                                                                             \
    ((struct cli_table){(table_columns), sizeof(table_columns) / sizeof *(table_columns), NULL, 0})

/* Appends a cell; a row is full after as many as there are columns. The text may come from strangers: control
 * characters and broken UTF-8 are shown as escapes. */
void cli_table_add(struct cli_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_table_add_bytes(struct cli_table *table, const void *data, size_t bytes);

/* How long ago, or "-" where that is not known (`ms` < 0). */
void cli_table_add_age(struct cli_table *table, int64_t ms);

/* The age of a unix time at the unix time `now_ms`, where 0 means never. */
int64_t cli_table_age_ms(int64_t now_ms, int64_t then_ms);

void cli_table_print(const struct cli_table *table, FILE *out);
void cli_table_finish(struct cli_table *table);

/* "1.2s", "3m05s", "2h10m", "4d02h". */
void cli_table_format_age(int64_t ms, char text[32]);

/* Appends bytes from strangers so that they cannot steer a terminal. */
void cli_table_escape(struct hive_buffer *text, const void *data, size_t bytes);

#endif

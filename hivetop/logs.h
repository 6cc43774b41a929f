/* The logs of one node or of several, as they are shown: which nodes, which lines, and where one looks. Two of them
 * live in the dashboard: the logs' own screen, and the few lines about the selected node on a large main screen.
 * Never waits; one thread. */
#ifndef HIVETOP_LOGS_H
#define HIVETOP_LOGS_H

#include "cells.h"
#include "log_merge.h"
#include "source.h"
#include "ui.h"

#define LOGS_BYTES      (32 * 1024 * 1024) /* of lines, in all files together */
#define LOGS_FILE_BYTES (8 * 1024 * 1024)  /* in one of them */
#define LOGS_LOOK_MS    200                /* between two looks at the files */
#define LOGS_PATH_BYTES 1024

/* From this size on the main screen has a tail of the selected node's log. */
#define LOGS_TAIL_COLUMNS 160
#define LOGS_TAIL_ROWS    45

enum logs_time { LOGS_TIME_OF_DAY, LOGS_AGE, LOGS_NO_TIME, LOGS_TIMES };
enum logs_typing { LOGS_NOT_TYPING, LOGS_TYPING_FILTER, LOGS_TYPING_FIND, LOGS_TYPING_PATH };

/* A line, by what stays the same while others come and go. */
struct logs_place {
    int64_t order_ms, serial;
    int place;
    int below; /* so many of its rows lie below the screen */
};

struct logs {
    bool is_wanted; /* of a tail: there is room for it */
    bool is_open;   /* somebody looks at it; otherwise nothing is read and nothing is kept */
    bool is_chosen; /* the files are those of the nodes */
    bool is_tail;   /* of the selected node alone, whichever that is; takes no keys */
    bool is_all;    /* all nodes */
    int steps;      /* so many nodes further on (or back) is the one to be shown next */
    char selected[HIVE_ADDRESS_BYTES];         /* on the main screen, when it was opened */
    char node[HIVE_ADDRESS_BYTES];             /* the one that is shown; empty: those that are marked */
    char marked[UI_MARKS][HIVE_ADDRESS_BYTES]; /* when the screen was opened */
    char cluster[HIVE_NAME_BYTES];             /* empty: none of this machine's: there are no files to read */
    struct log_source **files;                 /* owned */
    size_t file_count;
    int64_t looked_ms; /* monotonic */
    int64_t unix_ms;   /* now, or the moment that is shown */
    bool is_past;      /* nothing is shown that was written later than unix_ms */
    bool has_news;     /* what is shown has changed; whoever shows it clears this */
    struct log_merge merge;

    struct log_pattern filter, find;
    int level; /* enum hive_log_level: the lowest that is shown */
    unsigned choice_serial;
    enum logs_time time;
    bool is_wrapped;
    bool is_following;
    bool is_at_top;           /* earlier lines are wanted … */
    bool is_going_first;      /* … all of them */
    struct logs_place bottom; /* the line at the bottom of the screen, while it does not follow */
    struct logs_place found;  /* the line that was found last */
    bool has_found;           /* there is one */
    int shift;                /* columns that are hidden at the left, where lines are not wrapped */
    int columns, rows;        /* of the lines on the screen, when it was drawn last */

    enum logs_typing typing;
    char before[LOG_PATTERN_BYTES]; /* the pattern, before somebody typed */
    struct logs_place bottom_before;
    bool was_following;
    char path[LOGS_PATH_BYTES]; /* where to save */
    char status[HIVE_ERROR_BYTES + LOGS_PATH_BYTES];
    enum event_level status_level;
};

void logs_init(struct logs *logs, bool is_tail);
void logs_finish(struct logs *logs);

/* Reads what is new and what is asked for. Returns the milliseconds until it wants to look again; -1: never. */
int logs_turn(struct logs *logs, const struct ui *ui, const struct model *model, const struct source *source);

/* Takes a key of the logs' screen. Returns reactions. */
unsigned logs_key(struct logs *logs, int key);

/* Which lines are shown. */
struct log_choice logs_choice(const struct logs *logs);

/* The filter or the level is another one. */
void logs_choose(struct logs *logs);

/* The lines that can be shown now: [*begin, *end) of merge.shown. */
void logs_range(const struct logs *logs, size_t *begin, size_t *end);

/* What stands where in a row of so many columns. */
struct logs_layout {
    int name, time, level; /* widths; 0: not shown */
    int text;              /* where the text begins */
    int width;             /* of the text */
};
struct logs_layout logs_layout_make(const struct logs *logs, int columns);

/* Rows that the line takes in so many columns. */
int logs_line_rows(const struct logs *logs, const struct log_entry *line, int width);

/* The line at the top of a screen of that size, and the rows of it that lie above. False: there is none. */
bool logs_top(const struct logs *logs, int columns, int rows, size_t *index, int *above);

/* Where the lines stand on their own screen: below the header (where there is room for one) and a heading, above the
 * keys. Keys must know it. */
struct area logs_area(int columns, int rows);
void logs_resize(struct logs *logs, int columns, int rows);

/* Moves by so many rows of the screen; to the first line of all; to a line, so that it is seen; to the end, and stays
 * there. */
void logs_scroll(struct logs *logs, long rows);
void logs_go_first(struct logs *logs);
void logs_go_to(struct logs *logs, const struct log_entry *line);
void logs_follow(struct logs *logs);

/* The next line with what is looked for: further up (1) or down (-1); `is_next`: not the one that is found already. */
bool logs_find(struct logs *logs, int direction, bool is_next);

bool logs_is_found(const struct logs *logs, const struct log_entry *line);

/* Writes the lines that are shown to a new file. Says how it went. */
void logs_save(struct logs *logs);

/* The line at the bottom of the screen, for the next key to wipe. */
void logs_say(struct logs *logs, enum event_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif

/* The rows of the table of tasks, for tasks.c (their life) and task_dump.c (their way into a dump and back) alone. */
#ifndef MACHINE_TASK_ROWS_H
#define MACHINE_TASK_ROWS_H

#include <bsd/sys/queue.h>

#include "machine/tables.h"

struct task_row {
    RB_ENTRY(task_row) by_number;
    TAILQ_ENTRY(task_row) link; /* in `unfinished` or `finished` */
    uint64_t dump;              /* see struct dump */
    uint64_t end;               /* its place among all that ever finished, from 1; 0: it has not */
    struct machine_task task;   /* all texts are owned */
};

RB_HEAD(task_tree, task_row);
TAILQ_HEAD(task_list, task_row);

struct tasks {
    struct task_tree rows;
    size_t count;
    struct task_list unfinished; /* by number */
    struct task_list finished;   /* by end: the last ones of all that ever finished */
    size_t finished_count;
    uint64_t finished_ever;
    struct machine_task_counts counts;
    struct task_row *dump_next; /* the row that the walk of a dump comes to next */
};

int task_row_compare(const struct task_row *a, const struct task_row *b);
RB_PROTOTYPE_INTERNAL(task_tree, task_row, by_number, task_row_compare, )

/* NULL where there is none. */
struct task_row *task_row_find(struct tasks *tasks, uint64_t number);
/* Frees it; it is in no tree and no list. */
void task_row_destroy(struct task_row *row);
/* The row is about to change or to go: a dump gets it as it was. */
void task_row_save(struct machine *machine, struct task_row *row);
/* Where the tasks of a state are counted. */
uint64_t *task_count_of(struct machine_task_counts *counts, enum machine_task_state state);

#endif

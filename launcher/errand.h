/* An order under way: the supervisor's own notes on what somebody asked for over the control socket. */
#ifndef LAUNCHER_ERRAND_H
#define LAUNCHER_ERRAND_H

#include "control.h"
#include "supervisor.h"

enum errand_phase {
    ERRAND_NEW,
    ERRAND_ASKING,  /* the queens are asked who leads */
    ERRAND_LEAVING, /* a queen is being taken out of her group */
    ERRAND_ENDING,  /* a node that goes for good is being stopped */
    ERRAND_BEGUN,   /* it is in the plan; the answer waits for the outcome */
    ERRAND_DONE,    /* there is nothing left to wait for */
    ERRAND_ANSWERED,
};

struct errand {
    struct control_order *order; /* owned */
    enum errand_phase phase;
    int64_t begun_ms, deadline_ms;  /* monotonic; it is answered by the deadline */
    int64_t due_ms;                 /* when to look again although nothing has happened; INT64_MAX: never */
    struct census *census;          /* owned; or NULL */
    struct departure *departure;    /* owned; or NULL */
    char (*nodes)[HIVE_NAME_BYTES]; /* owned: whom it is about, by name */
    size_t node_count;
    char *gone;       /* owned: JSON of the node that was taken out; or NULL */
    const char *note; /* what the sender should know besides; or NULL */
    struct errand *next;
};

struct errand *errand_create(struct control_order *order, int64_t now_ms);

/* The client must have been destroyed where requests of it are under way. */
void errand_free(struct errand *errand);

/* True while requests of it are under way, so that it cannot be freed. */
bool errand_is_busy(const struct errand *errand);

void errand_add_node(struct errand *errand, const char *name);

/* Asks the queens again. */
void errand_ask(struct supervisor *supervisor, struct errand *errand);

/* Looks `word` up: 0, or an error after which the errand is answered, or (-EAGAIN, without an answer) to be asked again:
 * its due time is set. With `except`, that node is not chosen. */
int errand_find(struct supervisor *supervisor, struct errand *errand, const char *word, bool is_many,
                const char *except, size_t *nodes, size_t *count);

/* Answers, which ends it. */
void errand_reply_json(struct errand *errand, struct hive_buffer *json);
void errand_reply_problem(struct errand *errand, unsigned status, const char *type, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void errand_reply_stopping(struct errand *errand);

/* {"result":"OK","node":{…}}, and which word led to it. */
void errand_reply_node(struct errand *errand, const char *node_json);

/* True where the node may be told to do what the order says; otherwise the errand is answered. */
bool errand_can_begin(struct supervisor *supervisor, struct errand *errand, size_t node);

#endif

/* The lines of a recording: what a model is fed with, as JSON, and back. The format is that of the simulator's traces
 * ("hive-trace", version 1, told at the top of tests/sim/trace.c), with these lines more; whoever does not know one passes
 * over it:
 *
 *   {"type":"header","format":"hive-trace","version":1,"by":"hivetop …","start_unix_ms":…,"every_answer":true}
 *       "every_answer": a node that has no line did not answer. (In a simulated run it goes on as it was.)
 *   {"type":"clock","time_ms":…,"unix_ms":…}       the clock was set
 *   {"type":"reset","time_ms":…}                   all nodes are forgotten: another cluster is watched
 *   {"type":"node","time_ms":…,"node":…,"role":…}  a node to ask, where there is no ledger
 *   {"type":"ledger","time_ms":…,"cluster":…,"nodes":[{"name","role","state","address","pid","started_at","exit_status"},…]}
 *   {"type":"launcher","time_ms":…,"up":…}
 *   {"type":"health","time_ms":…,"node":…,"up":true,"round_trip_us":…,"health":{what changed}}
 *   {"type":"health","time_ms":…,"node":…,"up":false,"error":-111,"text":…}
 *   {"type":"stopped","time_ms":…,"node":…,"stopped":…}
 *   {"type":"action","time_ms":…,"phase":"asked"|"done"|"failed","action":"kill","node":NAME,"other","pid","started_at","text"}
 *   {"type":"event","time_ms":…,"text":…,"level":…} */
#ifndef HIVETOP_TRACE_H
#define HIVETOP_TRACE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "feed.h"
#include "hive/buffer.h"
#include "hive/error.h"

#define TRACE_BASE_MS INT64_C(1000000) /* the monotonic time at which all recordings begin */

extern const char *const trace_action_names[]; /* ends with NULL */

/* ---- writing; each appends whole lines ---- */

void trace_write_header(struct hive_buffer *out, int64_t unix_ms);
void trace_write_clock(struct hive_buffer *out, int64_t time_ms, int64_t unix_ms);

/* The nodes of a model that was not fed anything else yet. */
void trace_write_nodes(struct hive_buffer *out, int64_t time_ms, const struct model *model);

void trace_write_feed(struct hive_buffer *out, int64_t time_ms, const struct feed *feed);

/* ---- reading ---- */

/* What a reader must remember from one line to the next. */
struct trace {
    int64_t unix_offset_ms; /* unix time less the model's */
    bool is_film;           /* of a simulated run: nodes go on as they were */
};

/* Reads the first line. -EINVAL where it begins no recording, or one of a later version. */
int trace_open(struct trace *trace, const char *line, size_t bytes, struct hive_error *error);

/* A line, and when it happened as the model's time. NULL where it is no line of a recording. Release with cJSON_Delete. */
cJSON *trace_parse(const char *line, size_t bytes, int64_t *at_ms, struct hive_error *error);

/* Feeds the model, whose time is the line's, what the line says. 0, or -EINVAL; the model is whole in any case. */
int trace_apply(struct trace *trace, struct model *model, const cJSON *line, struct hive_error *error);

/* The model is shown at its time: who goes on as he was has answered just now. */
void trace_refresh(const struct trace *trace, struct model *model);

#endif

/* The recording: what the model is fed with goes to a file, line by line (trace.h has the format). One thread. */
#ifndef HIVETOP_RECORD_H
#define HIVETOP_RECORD_H

#include "feed.h"
#include "hive/error.h"

struct record;

/* Begins the file with the model as it is: it must not have been fed anything but its nodes. A file that is there is
 * replaced. NULL and an error where it cannot be written. */
struct record *record_open(const char *path, const struct model *model, struct hive_error *error);

/* A feed_listener; the context is the record. */
void record_hear(void *context, const struct model *model, const struct feed *feed);

/* Another cluster is watched from now on. */
void record_restart(struct record *record, const struct model *model);

/* What was heard so far goes to the file. 0, or the negative errno and a message, once: the recording is over then. */
int record_flush(struct record *record, struct hive_error *error);

/* NULL is fine. 0, or as above. */
int record_close(struct record *record, struct hive_error *error);

#endif

/* A full disk ends the recording, not the dashboard: what is in the file by then is good, up to half a line. */
#include "record.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "hive/memory.h"
#include "model.h"
#include "trace.h"

#define CLOCK_JITTER_MS 1 /* the two clocks are not read at the same moment */

struct record {
    FILE *file; /* NULL: it is over */
    char *path;
    int64_t start_ms;       /* the model's time of the beginning */
    int64_t unix_offset_ms; /* as a reader knows it */
    struct hive_buffer lines;
};

static int64_t time_of(const struct record *record, const struct model *model)
{
    return model->now_ms - record->start_ms;
}

struct record *record_open(const char *path, const struct model *model, struct hive_error *error)
{
    signal(SIGXFSZ, SIG_IGN); /* a limit is an error of write, as a full disk is */
    FILE *file = fopen(path, "we");
    if (!file) {
        hive_error_set(error, -errno, "%s cannot be recorded to: %s", path, strerror(errno));
        return NULL;
    }
    struct record *record = hive_calloc(1, sizeof *record);
    record->file = file;
    record->path = hive_strdup(path);
    record->start_ms = model->now_ms;
    record->unix_offset_ms = model->unix_ms - model->now_ms;
    trace_write_header(&record->lines, model->unix_ms);
    trace_write_nodes(&record->lines, 0, model);
    if (record_flush(record, error)) {
        record_close(record, NULL);
        return NULL;
    }
    return record;
}

void record_hear(void *context, const struct model *model, const struct feed *feed)
{
    struct record *record = context;
    if (!record->file)
        return;
    int64_t offset_ms = model->unix_ms - model->now_ms, drift_ms = offset_ms - record->unix_offset_ms;
    if (drift_ms > CLOCK_JITTER_MS || drift_ms < -CLOCK_JITTER_MS) {
        trace_write_clock(&record->lines, time_of(record, model), model->unix_ms);
        record->unix_offset_ms = offset_ms;
    }
    trace_write_feed(&record->lines, time_of(record, model), feed);
}

void record_restart(struct record *record, const struct model *model)
{
    if (record->file)
        trace_write_nodes(&record->lines, time_of(record, model), model);
}

static int fail(struct record *record, int error_number, struct hive_error *error)
{
    if (record->file)
        fclose(record->file);
    record->file = NULL;
    hive_buffer_finish(&record->lines);
    return hive_error_set(error, -error_number, "the recording ended: %s (%s)", strerror(error_number),
                          record->path);
}

int record_flush(struct record *record, struct hive_error *error)
{
    struct hive_buffer *lines = &record->lines;
    if (!record->file || lines->size == 0)
        return 0;
    errno = EIO;
    if (fwrite(lines->data, 1, lines->size, record->file) != lines->size || fflush(record->file))
        return fail(record, errno, error);
    hive_buffer_clear(lines);
    return 0;
}

int record_close(struct record *record, struct hive_error *error)
{
    if (!record)
        return 0;
    int result = record_flush(record, error);
    if (record->file) {
        FILE *file = record->file;
        record->file = NULL;
        if (fclose(file))
            result = fail(record, errno, error);
    }
    hive_buffer_finish(&record->lines);
    free(record->path);
    free(record);
    return result;
}

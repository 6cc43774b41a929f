/* Two readers go over the file: the scout, who reads it once and leaves models to begin from, and the one who makes what is
 * shown. */
#include "replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "hive/clock.h"
#include "hive/memory.h"
#include "pack.h"
#include "trace.h"

#define SCAN_STEP_LINES 64 /* between two looks at the clock */

struct reader {
    FILE *file;
    struct trace trace;
    struct model model;
    struct hive_buffer line;
    uint64_t line_number; /* of the last line that was read */
    off_t offset;         /* behind it */
    cJSON *pending;       /* a line that is later than what is shown; owned */
    int64_t pending_ms;
    bool is_at_end;
};

/* From here one can begin. */
struct start {
    int64_t at_ms;
    struct trace trace;
    uint64_t line_number;
    off_t offset;
    struct hive_buffer keyframe;
};

struct replay {
    char *path;
    struct reader scout, shown;
    struct start *starts; /* owned; in order */
    size_t start_count, start_bytes;
    uint64_t start_lines; /* between two of them */
    int64_t last_ms;
    uint64_t damaged_line; /* 0: none */
    char damage[HIVE_ERROR_BYTES];
};

/* ---- lines ---- */

/* The next line without its end. False: there is none, or only part of one. A line that is too long is cut, and so damaged. */
static bool read_line(struct reader *reader)
{
    struct hive_buffer *line = &reader->line;
    hive_buffer_clear(line);
    for (int byte; (byte = getc_unlocked(reader->file)) != '\n';) {
        if (byte == EOF)
            return false;
        reader->offset++;
        if (line->size < REPLAY_LINE_BYTES) {
            char *at = hive_buffer_reserve(line, 1);
            *at = (char)byte;
            line->size++;
        }
    }
    reader->offset++;
    reader->line_number++;
    return true;
}

static void note_damage(struct replay *replay, const struct reader *reader, const struct hive_error *error)
{
    if (replay->damaged_line && replay->damaged_line <= reader->line_number)
        return;
    replay->damaged_line = reader->line_number;
    snprintf(replay->damage, sizeof replay->damage,
             "line %" PRIu64 " is damaged, and was left out: %.200s (%.200s)", reader->line_number,
             error->message, replay->path);
}

/* Has the next good line pending. False: there is none. */
static bool fetch(struct replay *replay, struct reader *reader)
{
    while (!reader->pending && !reader->is_at_end) {
        struct hive_error error = {0};
        if (!read_line(reader)) {
            reader->is_at_end = true;
            break;
        }
        const char *text = reader->line.data ? reader->line.data : "";
        reader->pending = trace_parse(text, reader->line.size, &reader->pending_ms, &error);
        if (!reader->pending)
            note_damage(replay, reader, &error);
        else if (reader->pending_ms < reader->model.now_ms)
            reader->pending_ms = reader->model.now_ms; /* of the same moment, from another clock */
    }
    return reader->pending != NULL;
}

static void set_time(struct reader *reader, int64_t at_ms)
{
    model_set_time(&reader->model, at_ms, at_ms + reader->trace.unix_offset_ms);
}

static void apply_pending(struct replay *replay, struct reader *reader)
{
    struct hive_error error = {0};
    set_time(reader, reader->pending_ms);
    if (trace_apply(&reader->trace, &reader->model, reader->pending, &error))
        note_damage(replay, reader, &error);
    cJSON_Delete(reader->pending);
    reader->pending = NULL;
}

/* ---- where to begin ---- */

/* Every second one goes. */
static void thin_out(struct replay *replay)
{
    size_t kept = 0;
    replay->start_bytes = 0;
    for (size_t i = 0; i < replay->start_count; i++) {
        if (i % 2) {
            hive_buffer_finish(&replay->starts[i].keyframe);
            continue;
        }
        replay->starts[kept] = replay->starts[i];
        replay->start_bytes += replay->starts[kept++].keyframe.capacity;
    }
    replay->start_count = kept;
    replay->start_lines *= 2;
}

/* The scout has nothing pending. */
static void leave_start(struct replay *replay)
{
    const struct reader *scout = &replay->scout;
    replay->starts = hive_realloc(replay->starts, replay->start_count + 1, sizeof *replay->starts);
    struct start *start = &replay->starts[replay->start_count++];
    *start = (struct start){.at_ms = scout->model.now_ms,
                            .trace = scout->trace,
                            .line_number = scout->line_number,
                            .offset = scout->offset};
    pack_model(&start->keyframe, &scout->model);
    replay->start_bytes += start->keyframe.capacity;
    if (replay->start_bytes > REPLAY_INDEX_BYTES && replay->start_count > 2)
        thin_out(replay);
}

bool replay_scan(struct replay *replay, int64_t budget_ms)
{
    struct reader *scout = &replay->scout;
    int64_t until_ms = hive_clock_monotonic_ms() + budget_ms;
    for (int lines = 1; fetch(replay, scout); lines++) {
        apply_pending(replay, scout);
        if (replay->last_ms < scout->model.now_ms)
            replay->last_ms = scout->model.now_ms;
        const struct start *last = &replay->starts[replay->start_count - 1];
        if (scout->line_number - last->line_number >= replay->start_lines)
            leave_start(replay);
        if (lines % SCAN_STEP_LINES == 0 && hive_clock_monotonic_ms() >= until_ms)
            return true;
    }
    return false;
}

static void begin_at(struct reader *reader, const struct start *start)
{
    struct unpack in = {.at = (const unsigned char *)start->keyframe.data,
                        .end = (const unsigned char *)start->keyframe.data + start->keyframe.size};
    cJSON_Delete(reader->pending);
    reader->pending = NULL;
    reader->is_at_end = false;
    reader->trace = start->trace;
    reader->line_number = start->line_number;
    reader->offset = start->offset;
    fseeko(reader->file, start->offset, SEEK_SET);
    model_finish(&reader->model);
    unpack_model(&in, &reader->model);
}

const struct model *replay_seek(struct replay *replay, int64_t at_ms)
{
    struct reader *shown = &replay->shown;
    size_t best = replay->start_count - 1;
    while (best > 0 && replay->starts[best].at_ms > at_ms)
        best--;
    const struct start *start = &replay->starts[best];
    if (shown->model.now_ms > at_ms || shown->line_number < start->line_number)
        begin_at(shown, start);
    while (fetch(replay, shown) && shown->pending_ms <= at_ms)
        apply_pending(replay, shown);
    set_time(shown, at_ms);
    trace_refresh(&shown->trace, &shown->model);
    return &shown->model;
}

/* ---- the whole ---- */

int64_t replay_last_ms(const struct replay *replay)
{
    return replay->last_ms;
}

const struct timeline *replay_timeline(const struct replay *replay)
{
    return &replay->scout.model.timeline;
}

const char *replay_damage(const struct replay *replay)
{
    return replay->damaged_line ? replay->damage : NULL;
}

static int open_reader(struct reader *reader, const char *path, struct hive_error *error)
{
    struct stat facts;
    reader->file = fopen(path, "re");
    if (!reader->file || fstat(fileno(reader->file), &facts))
        return hive_error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return hive_error_set(error, -EINVAL, "%s is no file that one could go back and forth in", path);
    bool is_read = read_line(reader);
    const char *text = reader->line.data ? reader->line.data : "";
    int result = trace_open(&reader->trace, is_read ? text : "", is_read ? reader->line.size : 0, error);
    set_time(reader, TRACE_BASE_MS);
    return result ? hive_error_prefix(error, result, "%s", path) : 0;
}

static void close_reader(struct reader *reader)
{
    if (reader->file)
        fclose(reader->file);
    cJSON_Delete(reader->pending);
    hive_buffer_finish(&reader->line);
    model_finish(&reader->model);
}

/* The end is known before all was read: the last lines tell it. */
static void find_end(struct replay *replay)
{
    FILE *file = replay->shown.file;
    off_t size = fseeko(file, 0, SEEK_END) ? 0 : ftello(file);
    struct hive_buffer tail = {0};
    replay->last_ms = TRACE_BASE_MS;
    for (size_t bytes = 65536; replay->last_ms == TRACE_BASE_MS; bytes *= 8) {
        off_t from = (off_t)bytes < size ? size - (off_t)bytes : 0;
        hive_buffer_clear(&tail);
        char *data = hive_buffer_reserve(&tail, bytes);
        fseeko(file, from, SEEK_SET);
        tail.size = fread(data, 1, bytes, file);
        size_t end = tail.size;
        while (end > 0 && replay->last_ms == TRACE_BASE_MS) {
            while (end > 0 && data[end - 1] != '\n')
                end--;
            size_t start = end > 0 ? end - 1 : 0;
            while (start > 0 && data[start - 1] != '\n')
                start--;
            cJSON *line =
                end > start ? trace_parse(data + start, end - start - 1, &replay->last_ms, NULL) : NULL;
            cJSON_Delete(line);
            end = start;
        }
        if (from == 0 || bytes > REPLAY_LINE_BYTES)
            break;
    }
    hive_buffer_finish(&tail);
    fseeko(file, replay->shown.offset, SEEK_SET);
}

struct replay *replay_open(const char *path, struct hive_error *error)
{
    struct replay *replay = hive_calloc(1, sizeof *replay);
    replay->path = hive_strdup(path);
    replay->start_lines = REPLAY_INDEX_LINES;
    if (open_reader(&replay->scout, path, error) || open_reader(&replay->shown, path, error)) {
        replay_close(replay);
        return NULL;
    }
    find_end(replay);
    leave_start(replay);
    return replay;
}

void replay_close(struct replay *replay)
{
    if (!replay)
        return;
    close_reader(&replay->scout);
    close_reader(&replay->shown);
    for (size_t i = 0; i < replay->start_count; i++)
        hive_buffer_finish(&replay->starts[i].keyframe);
    free(replay->starts);
    free(replay->path);
    free(replay);
}

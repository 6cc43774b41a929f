/* A log may have gigabytes: its end is read first, and of what comes before a piece whenever somebody wants to see
 * it. What a process wrote last may lack its end: it shows once nothing has followed for one look. */
#include "log_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive/memory.h"

#define REACH      8   /* of a file of endless lines, so many times as much as is kept is read back */
#define LINE_BYTES 128 /* what a line costs beside its text, in the lists of its readers too */

void log_source_init(struct log_source *file, const char *name, const char *path, int place, size_t max_bytes)
{
    *file = (struct log_source){.fd = -1, .place = place, .max_bytes = max_bytes, .path = hive_strdup(path)};
    snprintf(file->name, sizeof file->name, "%s", name);
}

static void close_file(struct log_source *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

void log_source_finish(struct log_source *file)
{
    close_file(file);
    for (size_t i = file->first; i < file->last; i++)
        free(file->lines[i]);
    free(file->lines);
    free(file->path);
    hive_buffer_finish(&file->partial);
    *file = (struct log_source){.fd = -1};
}

/* ---- lines ---- */

static size_t cost(const struct log_entry *line)
{
    return LINE_BYTES + strlen(line->text);
}

/* Room for `count` more before the first line, or behind the last one. */
static void make_room(struct log_source *file, size_t before, size_t behind)
{
    if (before <= file->first && file->last + behind <= file->capacity)
        return;
    size_t count = file->last - file->first;
    size_t capacity = 2 * (before + count + behind) + 64;
    size_t first = before + (capacity - before - count - behind) / 2;
    struct log_entry **lines = hive_calloc(capacity, sizeof *lines);
    if (count > 0)
        memcpy(lines + first, file->lines + file->first, count * sizeof *lines);
    free(file->lines);
    file->lines = lines;
    file->capacity = capacity;
    file->first = first;
    file->last = first + count;
}

/* Where a line has no time of its own, that of the line before counts; and a clock that is set back does not move lines
 * to before those that were written earlier. */
static void order(struct log_source *file, size_t from)
{
    int64_t order_ms = from > file->first ? file->lines[from - 1]->order_ms : 0;
    for (size_t i = from; i < file->last && order_ms == 0; i++)
        order_ms = file->lines[i]->time_ms;
    if (order_ms == 0)
        order_ms = file->changed_ms;
    for (size_t i = from; i < file->last; i++) {
        if (file->lines[i]->time_ms > order_ms)
            order_ms = file->lines[i]->time_ms;
        file->lines[i]->order_ms = order_ms;
    }
}

static void append(struct log_source *file, const char *data, size_t bytes, uint64_t more)
{
    make_room(file, 0, 1);
    struct log_entry *line = log_entry_make(data, bytes, more);
    line->file = file;
    line->serial = file->next_serial++;
    file->lines[file->last++] = line;
    file->bytes += cost(line);
    order(file, file->last - 1);
}

static void hide_partial(struct log_source *file)
{
    if (!file->is_partial_shown)
        return;
    struct log_entry *line = file->lines[--file->last];
    file->bytes -= cost(line);
    free(line);
    file->is_partial_shown = false;
}

/* Lets go of a quarter of the lines, the oldest. */
static bool drop_oldest(struct log_source *file)
{
    if (file->bytes <= file->max_bytes)
        return false;
    while (file->bytes > file->max_bytes / 4 * 3 && file->first + 1 < file->last) {
        struct log_entry *line = file->lines[file->first++];
        file->bytes -= cost(line);
        free(line);
    }
    file->begin = 0; /* to read them once more would only push others out */
    return true;
}

static void append_partial(struct log_source *file)
{
    append(file, file->partial.data ? file->partial.data : "", file->partial.size, file->partial_more);
}

static void clear_partial(struct log_source *file)
{
    hive_buffer_clear(&file->partial);
    file->partial_more = 0;
}

/* Takes bytes that stand behind those that were taken before. */
static void take(struct log_source *file, const char *data, size_t bytes)
{
    while (bytes > 0) {
        const char *end = memchr(data, '\n', bytes);
        size_t length = end ? (size_t)(end - data) : bytes;
        size_t room = LOG_TEXT_BYTES - file->partial.size, kept = length < room ? length : room;
        if (end && file->partial.size == 0 && file->partial_more == 0) {
            append(file, data, length, 0);
        } else {
            hive_buffer_append(&file->partial, data, kept);
            file->partial_more += length - kept;
            if (end) {
                append_partial(file);
                clear_partial(file);
            }
        }
        length += end != NULL;
        data += length;
        bytes -= length;
    }
}

/* ---- the file ---- */

/* Reads [from, to) as far as it is there. */
static size_t read_piece(struct log_source *file, int64_t from, int64_t to, struct hive_buffer *piece)
{
    char *data = hive_buffer_reserve(piece, (size_t)(to - from));
    while (from + (int64_t)piece->size < to) {
        ssize_t bytes = pread(file->fd, data + piece->size, (size_t)(to - from) - piece->size,
                              (off_t)(from + (int64_t)piece->size));
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes <= 0)
            break;
        piece->size += (size_t)bytes;
    }
    return piece->size;
}

/* Begins at the end of the file. */
static void read_end(struct log_source *file, int64_t size)
{
    struct hive_buffer piece = {0};
    int64_t wanted = (int64_t)(file->max_bytes / 2 < LOG_CHUNK_BYTES ? file->max_bytes / 2 : LOG_CHUNK_BYTES);
    int64_t start = size > wanted ? size - wanted : 0;
    size_t bytes = read_piece(file, start, size, &piece), skipped = 0;
    const char *end = start > 0 && bytes > 0 ? memchr(piece.data, '\n', bytes) : NULL;
    if (end)
        skipped = (size_t)(end + 1 - piece.data);
    clear_partial(file);
    file->begin = start + (int64_t)skipped;
    file->end = start + (int64_t)bytes;
    if (bytes > 0)
        take(file, piece.data + skipped, bytes - skipped);
    order(file, file->first);
    hive_buffer_finish(&piece);
}

/* The rest of a line that will never be ended, and a word on why. */
static void mark(struct log_source *file, const char *text)
{
    if (file->partial.size > 0)
        append_partial(file);
    clear_partial(file);
    append(file, text, strlen(text), 0);
    file->begin = file->end = 0;
}

static bool open_file(struct log_source *file)
{
    struct stat status;
    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    file->problem = file->fd >= 0     ? NULL
                    : errno == ENOENT ? "has no log file"
                                      : "its log file cannot be read";
    if (file->fd < 0)
        return false;
    if (fstat(file->fd, &status) || !S_ISREG(status.st_mode)) {
        file->problem = "its log is no regular file";
        close_file(file);
        return false;
    }
    file->changed_ms = (int64_t)status.st_mtim.tv_sec * 1000;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return true;
}

/* Reads on to the end of what is open. */
static unsigned read_on(struct log_source *file)
{
    struct stat status;
    struct hive_buffer piece = {0};
    unsigned changes = LOG_SAME;
    if (fstat(file->fd, &status))
        return LOG_SAME;
    int64_t size = status.st_size;
    file->changed_ms = (int64_t)status.st_mtim.tv_sec * 1000;
    if (size < file->end) {
        hide_partial(file);
        mark(file, "--- the log was cut ---");
        changes |= LOG_CHANGED;
    }
    if (size - file->end > LOG_BURST_BYTES) {
        hide_partial(file);
        mark(file, "--- more was written than one can read; the end follows ---");
        read_end(file, size);
        file->begin = 0;
        return LOG_CHANGED;
    }
    if (size > file->end) {
        changes |= file->is_partial_shown ? LOG_CHANGED : LOG_GREW;
        hide_partial(file);
        size_t bytes = read_piece(file, file->end, size, &piece);
        if (bytes > 0)
            take(file, piece.data, bytes);
        file->end += (int64_t)bytes;
        hive_buffer_finish(&piece);
    } else if (file->partial.size > 0 && !file->is_partial_shown) {
        append_partial(file);
        file->is_partial_shown = true;
        changes |= LOG_GREW;
    }
    return changes;
}

/* Another file has the name by now. */
static bool is_replaced(const struct log_source *file)
{
    struct stat status;
    return stat(file->path, &status) == 0 && (status.st_ino != file->inode || status.st_dev != file->device);
}

unsigned log_source_look(struct log_source *file)
{
    unsigned changes = LOG_SAME;
    struct stat status;
    if (file->fd < 0) {
        if (!open_file(file) || fstat(file->fd, &status))
            return LOG_SAME;
        read_end(file, status.st_size);
        changes = LOG_GREW;
    } else {
        changes = read_on(file);
        if (is_replaced(file)) {
            close_file(file);
            if (open_file(file)) {
                hide_partial(file);
                mark(file, "--- a new log ---");
                changes = LOG_CHANGED | read_on(file);
            }
        }
    }
    return drop_oldest(file) ? LOG_CHANGED : changes;
}

bool log_source_has_older(const struct log_source *file)
{
    return file->fd >= 0 && file->begin > 0 && file->bytes + LOG_CHUNK_BYTES < file->max_bytes &&
           file->end - file->begin < (int64_t)file->max_bytes * REACH;
}

/* Puts the lines of another before those of this one. */
static void put_before(struct log_source *file, struct log_source *earlier)
{
    size_t count = earlier->last - earlier->first;
    make_room(file, count, 0);
    file->first -= count;
    for (size_t i = count; i-- > 0;) {
        struct log_entry *line = earlier->lines[earlier->first + i];
        line->file = file;
        line->serial = --file->first_serial;
        file->lines[file->first + i] = line;
    }
    file->bytes += earlier->bytes;
    order(file, file->first);
    earlier->last = earlier->first; /* they are the other's now */
}

unsigned log_source_go_back(struct log_source *file)
{
    if (!log_source_has_older(file))
        return LOG_SAME;
    /* As much again as there is: the way to the beginning takes few steps. */
    size_t room = file->max_bytes - file->bytes;
    size_t wanted = file->bytes < LOG_CHUNK_BYTES ? LOG_CHUNK_BYTES : file->bytes;
    int64_t start = file->begin - (int64_t)(wanted < room ? wanted : room);
    struct hive_buffer piece = {0};
    struct log_source earlier = {.fd = -1, .changed_ms = file->changed_ms};
    start = start > 0 ? start : 0;
    size_t bytes = read_piece(file, start, file->begin, &piece);
    const char *end = start > 0 && bytes > 1 ? memchr(piece.data, '\n', bytes - 1) : NULL;
    size_t skipped = end ? (size_t)(end + 1 - piece.data) : 0; /* without one: a part of a very long line */
    if (bytes > 0)
        take(&earlier, piece.data + skipped, bytes - skipped);
    if (earlier.partial.size > 0)
        append_partial(&earlier);
    put_before(file, &earlier);
    file->begin = bytes > 0 ? start + (int64_t)skipped : 0; /* nothing: it was cut just now */
    log_source_finish(&earlier);
    hive_buffer_finish(&piece);
    return LOG_CHANGED;
}

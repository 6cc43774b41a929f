/* Nodes append to their logs and the launcher keeps these in place, but a person may empty one, a cluster may be removed
 * and made anew under the same name, and a node may die in the middle of a line. */
#include "log_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive/memory.h"

#define READ_BYTES (16 * 1024)
#define LINE_BYTES (256 * 1024) /* a line that is longer is divided: a task's text may be 64 KiB, escaped */

static void start_over(struct log_file *file)
{
    hive_buffer_clear(&file->bytes);
    file->offset = 0;
    file->searched = file->line_bytes = 0;
}

static void open_it(struct log_file *file)
{
    struct stat status;
    start_over(file);
    file->descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->descriptor >= 0 && (fstat(file->descriptor, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(file->descriptor);
        file->descriptor = -1;
    }
    if (file->descriptor >= 0)
        file->inode = status.st_ino;
}

void log_file_open(struct log_file *file, const char *name, const char *path)
{
    *file = (struct log_file){.path = hive_strdup(path)};
    snprintf(file->name, sizeof file->name, "%s", name);
    open_it(file);
}

void log_file_finish(struct log_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    hive_buffer_finish(&file->bytes);
    hive_buffer_finish(&file->taken);
    free(file->path);
}

bool log_file_look(struct log_file *file)
{
    struct stat status;
    bool is_there = stat(file->path, &status) == 0;
    if (is_there && (file->descriptor < 0 || status.st_ino != file->inode)) {
        if (file->descriptor >= 0)
            close(file->descriptor);
        open_it(file);
    } else if (is_there && status.st_size < file->offset) {
        start_over(file);
    }
    return is_there;
}

size_t log_file_seek_end(struct log_file *file, size_t lines)
{
    char piece[READ_BYTES];
    struct stat status;
    size_t found = 0;
    if (file->descriptor < 0 || fstat(file->descriptor, &status) < 0)
        return 0;
    start_over(file);
    int64_t end = status.st_size, at = end;
    if (lines == 0) {
        file->offset = end;
        return 0;
    }
    while (at > 0) {
        int64_t from = at > READ_BYTES ? at - READ_BYTES : 0;
        ssize_t bytes = pread(file->descriptor, piece, (size_t)(at - from), from);
        if (bytes <= 0)
            break;
        for (ssize_t i = bytes; i > 0; i--) {
            if (piece[i - 1] != '\n' || from + i == end)
                continue; /* the last byte ends a line and begins none */
            if (++found == lines) {
                file->offset = from + i;
                return found;
            }
        }
        at = from;
    }
    return found + (end > 0);
}

/* Reads another piece; false: there is none now. */
static bool read_on(struct log_file *file)
{
    if (file->descriptor < 0)
        return false;
    char *space = hive_buffer_reserve(&file->bytes, READ_BYTES);
    ssize_t bytes = pread(file->descriptor, space, READ_BYTES, file->offset);
    if (bytes <= 0)
        return false;
    file->bytes.size += (size_t)bytes;
    file->offset += bytes;
    return true;
}

static void note_line(struct log_file *file, size_t bytes, bool has_end)
{
    file->line_bytes = bytes;
    char *line = file->bytes.data, *end = line + bytes - has_end, saved = *end;
    for (char *at = line; at < end; at++)
        if (*at == '\0')
            *at = '?';
    *end = '\0';
    file->line = log_line_parse(line);
    *end = saved;
    if (file->line.time_ms)
        file->time_ms = file->line.time_ms;
    else
        file->line.time_ms = file->time_ms;
}

bool log_file_peek(struct log_file *file, bool is_final)
{
    while (!file->line_bytes) {
        size_t size = file->bytes.size;
        char *end = size > file->searched
                        ? memchr(file->bytes.data + file->searched, '\n', size - file->searched)
                        : NULL;
        if (end) {
            note_line(file, (size_t)(end - file->bytes.data) + 1, true);
        } else if (size >= LINE_BYTES) {
            note_line(file, size, false);
        } else {
            file->searched = size;
            if (read_on(file))
                continue;
            if (!is_final || size == 0)
                return false;
            note_line(file, size, false);
        }
    }
    return true;
}

char *log_file_take(struct log_file *file)
{
    struct hive_buffer *taken = &file->taken;
    hive_buffer_clear(taken);
    hive_buffer_append(taken, file->bytes.data, file->line_bytes);
    if (taken->size > 0 && taken->data[taken->size - 1] == '\n')
        taken->data[--taken->size] = '\0';
    hive_buffer_consume(&file->bytes, file->line_bytes);
    file->searched = file->line_bytes = 0;
    return taken->data;
}

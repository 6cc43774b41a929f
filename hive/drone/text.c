/* The first driver: prints the task's text on standard output, each line behind the task's id.
 *
 * What is printed lands in somebody's terminal or log, and came from a stranger. So every line of it starts
 * with the id, which the text cannot choose, and control characters are shown, not sent: a text can neither
 * pass for another task's line nor move the cursor. Lines are printed whole, and given up only when the drone
 * ends while nobody reads its output. */
#include "drone/driver.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "drone/workload.h"
#include "hive/buffer.h"
#include "hive/limits.h"

#define STOP_CHECK_MS 100 /* how soon a print that is stuck notices that the drone ends */

static int check(const cJSON *spec, struct hive_error *error)
{
    if (!cJSON_IsString(spec))
        return hive_error_set(error, -EINVAL, "\"text\" must be a string");
    size_t bytes = strlen(spec->valuestring);
    if (bytes < 1 || bytes > HIVE_TASK_TEXT_BYTES)
        return hive_error_set(error, -EINVAL, "\"text\" must have 1 to %d bytes", HIVE_TASK_TEXT_BYTES);
    return 0;
}

/* Appends the character at `text`, shown where it would act on a terminal; returns how many bytes it has. */
static size_t append_character(struct hive_buffer *out, const char *text)
{
    unsigned char first = (unsigned char)text[0], second = first ? (unsigned char)text[1] : 0;
    if ((first < 0x20 && first != '\t') || first == 0x7f) {
        hive_buffer_format(out, "\\x%02x", first);
        return 1;
    }
    if (first == 0xc2 && second >= 0x80 && second < 0xa0) { /* U+0080 to U+009F: controls, too */
        hive_buffer_format(out, "\\u%04x", second);
        return 2;
    }
    hive_buffer_append(out, text, 1);
    return 1;
}

/* "ID: LINE\n" for each line of the text; a newline at its end begins no further line. */
static void format_lines(struct hive_buffer *out, const char *id, const char *text)
{
    do {
        hive_buffer_format(out, "%s: ", id);
        while (*text && *text != '\n')
            text += append_character(out, text);
        hive_buffer_append(out, "\n", 1);
        if (*text == '\n')
            text++;
    } while (*text);
}

/* Writes all to standard output. 0; -ECANCELED where the drone ends meanwhile; or what write(2) failed with.
 */
static int print(const struct task *task, const char *data, size_t bytes)
{
    while (bytes > 0) {
        struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
        if (poll(&output, 1, STOP_CHECK_MS) <= 0) {
            if (task_is_stopping(task))
                return -ECANCELED;
            continue;
        }
        /* PIPE_BUF bytes always fit into a pipe that poll calls writable, so that this does not block. */
        ssize_t written = write(STDOUT_FILENO, data, bytes < PIPE_BUF ? bytes : PIPE_BUF);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return -errno;
        if (written > 0) {
            data += written;
            bytes -= (size_t)written;
        }
    }
    return 0;
}

static void start(struct task *task)
{
    struct hive_buffer lines = {0};
    format_lines(&lines, task_id(task), task_spec(task)->valuestring);
    int code = print(task, lines.data, lines.size);
    hive_buffer_finish(&lines);
    if (code == 0) {
        task_report(task, MACHINE_TASK_SUCCEEDED, "");
    } else {
        struct hive_error error;
        hive_error_set(&error, code, "cannot print to standard output: %s", strerror(-code));
        task_report(task, MACHINE_TASK_FAILED, error.message);
    }
}

const struct driver driver_text = {.name = "text", .check = check, .start = start};

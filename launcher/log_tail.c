/* A dead node's last words. Its log may hold anything (a task's output included), so nothing in it may reach
 * the terminal but text. */
#include "log_tail.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log_line.h"

#define TAIL_BYTES 4096
#define TAIL_LINES 5

void log_tail_report(const char *path, int64_t offset, struct report *report)
{
    char text[TAIL_BYTES + 1];
    struct stat status;
    ssize_t bytes = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0 && fstat(file, &status) == 0) {
        int64_t from = status.st_size - TAIL_BYTES;
        bytes = pread(file, text, TAIL_BYTES, from > offset ? from : offset);
    }
    if (file >= 0)
        close(file);
    while (bytes > 0 && text[bytes - 1] == '\n')
        bytes--;
    if (bytes <= 0) {
        report_detail(report, "(it wrote nothing)");
        return;
    }
    text[bytes] = '\0';
    char *line = text + bytes;
    for (int lines = 0; line > text; line--)
        if (line[-1] == '\n' && ++lines == TAIL_LINES)
            break;
    while (line) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        log_line_clean(line);
        report_detail(report, line);
        line = end ? end + 1 : NULL;
    }
}

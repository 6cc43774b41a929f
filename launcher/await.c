/* A pidfd becomes readable when its process ends, whoever the parent is. */
#include "await.h"

#include <poll.h>
#include <sys/pidfd.h>
#include <unistd.h>

bool await_end(struct hive_process process, int timeout_ms)
{
    struct pollfd end = {.fd = pidfd_open(process.pid, 0), .events = POLLIN};
    if (end.fd < 0)
        return !hive_process_is_alive(process);
    if (hive_process_is_alive(process)) /* it and no other, since the descriptor is there */
        poll(&end, 1, timeout_ms);
    close(end.fd);
    return !hive_process_is_alive(process);
}

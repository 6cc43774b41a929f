/* Writing in full: the loops around the system's calls, which may be interrupted and may write less than they
 * were given. */
#include "store/disk.h"

#include <errno.h>
#include <unistd.h>

#include "hive/file.h"

/* Bytes of one write of zeros: few calls, and little enough that a sync beside it is not held up for long. */
#define ZERO_BYTES (256 * 1024)

const struct disk disk_system = {
    .write = pwritev,
    .sync = fdatasync,
    .sync_directory = hive_file_sync_directory,
};

int disk_write(const struct disk *disk, int file, struct iovec *parts, int count, off_t offset)
{
    while (count) {
        if (parts->iov_len == 0) {
            parts++;
            count--;
            continue;
        }
        ssize_t written = disk->write(file, parts, count, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) /* 0 is not in pwritev's book for a file: take it for an error, not for a loop */
            return written < 0 ? -errno : -EIO;
        offset += written;
        for (size_t left = (size_t)written; left;) {
            size_t part = left < parts->iov_len ? left : parts->iov_len;
            parts->iov_base = (char *)parts->iov_base + part;
            parts->iov_len -= part;
            left -= part;
            if (parts->iov_len == 0) {
                parts++;
                count--;
            }
        }
    }
    return 0;
}

int disk_write_zeros(const struct disk *disk, int file, off_t offset, size_t bytes)
{
    static char zeros[ZERO_BYTES]; /* never written; not const, so that the program file does not carry it */
    int result = 0;
    while (bytes && result == 0) {
        size_t part = bytes < sizeof zeros ? bytes : sizeof zeros;
        struct iovec iovec = {.iov_base = zeros, .iov_len = part};
        result = disk_write(disk, file, &iovec, 1, offset);
        offset += (off_t)part;
        bytes -= part;
    }
    return result;
}

int disk_sync(const struct disk *disk, int file)
{
    /* An interrupted sync has told nothing yet and is asked again. Any other failure stands: the kernel may
     * have marked the pages as clean, and a second try would report success for bytes that are nowhere. */
    while (disk->sync(file) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

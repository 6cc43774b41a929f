/* A large file written beside the log. Handed to the kernel at once, a gigabyte would be written back in one go, and a sync
 * of the log in the middle of that would wait for it. So it is synced every so many bytes: at any time there is only
 * little between the log and the disk. */
#include <errno.h>
#include <inttypes.h>

#include "store/store_internal.h"

/* Bytes between two syncs. */
#define PACE_BYTES ((uint64_t)1024 * 1024)

static int failed(const struct paced *paced, int code, struct hive_error *error)
{
    return hive_error_set(error, code, "cannot write %s: %s", paced->path, strerror(-code));
}

int paced_open(const struct disk *disk, char *path, int flags, struct paced *paced, struct hive_error *error)
{
    *paced = (struct paced){.disk = disk, .path = path};
    paced->file = disk->open(disk, path, flags);
    return paced->file < 0 ? failed(paced, paced->file, error) : 0;
}

int paced_write(struct paced *paced, struct iovec *parts, int count, struct hive_error *error)
{
    uint64_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    int result = disk_write(paced->disk, paced->file, parts, count, (off_t)paced->offset);
    if (result < 0)
        return failed(paced, result, error);
    paced->offset += bytes;
    paced->unsynced += bytes;
    return paced->unsynced < PACE_BYTES ? 0 : paced_sync(paced, error);
}

int paced_sync(struct paced *paced, struct hive_error *error)
{
    paced->unsynced = 0;
    int result = disk_sync(paced->disk, paced->file);
    return result < 0 ? failed(paced, result, error) : 0;
}

void paced_finish(struct paced *paced, bool remove)
{
    /* Not where it has another name by now, which a crash may bring back: it is to be whole then. */
    if (paced->file >= 0 && remove && paced->disk->remove(paced->disk, paced->path) == 0)
        disk_let_go(paced->disk, paced->file);
    else if (paced->file >= 0)
        paced->disk->close(paced->disk, paced->file);
    free(paced->path);
    *paced = (struct paced){.file = -1};
}

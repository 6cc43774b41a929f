/* The calls of the disk in memory. What they leave for a power loss to decide is in sim_disk_loss.c. */
#include "sim/sim_disk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "hive/memory.h"
#include "sim/sim_disk_files.h"

enum fate { FATE_DO, FATE_DIE, FATE_FAIL };

static struct sim_disk *of(const struct disk *disk)
{
    return (struct sim_disk *)(uintptr_t)disk;
}

/* Every call that changes something asks first what becomes of it. */
static enum fate fate(struct sim_disk *disk)
{
    if (disk->is_dead)
        return FATE_FAIL;
    uint64_t call = ++disk->calls;
    if (call == disk->crash_at) {
        disk->is_dead = true;
        return FATE_DIE;
    }
    if (call != disk->fail_at)
        return FATE_DO;
    disk->failures++;
    return FATE_FAIL;
}

static int failure(const struct sim_disk *disk)
{
    return disk->is_dead || disk->fail_with == 0 ? -EIO : disk->fail_with;
}

static struct sim_file *file_of(const struct sim_disk *disk, int handle)
{
    assert(handle >= 0 && (size_t)handle < disk->handle_count && disk->handles[handle]);
    return disk->handles[handle];
}

/* ---- names ---- */

static int handle_for(struct sim_disk *disk, struct sim_file *file)
{
    size_t handle = 0;
    while (handle < disk->handle_count && disk->handles[handle])
        handle++;
    if (handle == disk->handle_count)
        disk->handles = hive_realloc(disk->handles, ++disk->handle_count, sizeof *disk->handles);
    disk->handles[handle] = file;
    file->users++;
    return (int)handle;
}

static int sim_open(const struct disk *base, const char *path, int flags)
{
    struct sim_disk *disk = of(base);
    struct sim_name *name = sim_disk_find(disk, path);
    if (disk->is_dead)
        return -EIO;
    if (name && name->file && (flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if ((!name || !name->file) && !(flags & O_CREAT))
        return -ENOENT;
    if (!name || !name->file) {
        enum fate what = fate(disk);
        if (what == FATE_FAIL)
            return failure(disk);
        name = sim_disk_name(disk, path);
        sim_disk_change(disk, (struct sim_change){.kind = SIM_CHANGE_MAKE, .to = name->path},
                        sim_file_create());
        if (what == FATE_DIE)
            return -EIO;
    }
    name = sim_disk_find(disk, path);
    if (flags & O_TRUNC)
        sim_file_resize(name->file, 0);
    return handle_for(disk, name->file);
}

static void sim_close(const struct disk *base, int handle)
{
    struct sim_disk *disk = of(base);
    struct sim_file *file = file_of(disk, handle);
    file->is_locked = file->is_locked && file->lock_handle != handle;
    disk->handles[handle] = NULL;
    sim_file_release(file);
}

static int sim_rename(const struct disk *base, const char *from, const char *to)
{
    struct sim_disk *disk = of(base);
    struct sim_name *name = sim_disk_find(disk, from);
    enum fate what = fate(disk);
    if (what == FATE_FAIL)
        return failure(disk);
    if (!name || !name->file)
        return -ENOENT;
    if (what == FATE_DIE && sim_random_chance(&disk->random, 500))
        return -EIO;
    struct sim_file *file = name->file;
    const char *target = sim_disk_name(disk, to)->path;
    name = sim_disk_find(disk, from);
    sim_disk_change(disk, (struct sim_change){.kind = SIM_CHANGE_RENAME, .from = name->path, .to = target},
                    file);
    return what == FATE_DIE ? -EIO : 0;
}

static int sim_remove(const struct disk *base, const char *path)
{
    struct sim_disk *disk = of(base);
    struct sim_name *name = sim_disk_find(disk, path);
    enum fate what = fate(disk);
    if (what == FATE_FAIL)
        return failure(disk);
    if (!name || !name->file)
        return -ENOENT;
    if (what == FATE_DIE && sim_random_chance(&disk->random, 500))
        return -EIO;
    sim_disk_change(disk, (struct sim_change){.kind = SIM_CHANGE_REMOVE, .from = name->path}, name->file);
    return what == FATE_DIE ? -EIO : 0;
}

static int sim_make_directories(const struct disk *base, const char *path)
{
    (void)path; /* directories are there as soon as they are named, and stay */
    return of(base)->is_dead ? -EIO : 0;
}

static int sim_sync_directory(const struct disk *base, const char *path)
{
    struct sim_disk *disk = of(base);
    enum fate what = fate(disk);
    if (what == FATE_FAIL)
        return failure(disk);
    if (what == FATE_DIE && sim_random_chance(&disk->random, 500))
        return -EIO;
    sim_disk_settle_names(disk, path);
    return what == FATE_DIE ? -EIO : 0;
}

static int sim_list(const struct disk *base, const char *path, int (*visit)(const char *name, void *context),
                    void *context)
{
    struct sim_disk *disk = of(base);
    size_t count = 0;
    int result = disk->is_dead ? -EIO : 0;
    const char **found = hive_calloc(disk->name_count + 1, sizeof *found);
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].file && sim_disk_is_in(disk->names[i].path, path))
            found[count++] = strrchr(disk->names[i].path, '/') + 1;
    }
    for (size_t i = 0; i < count && result == 0; i++)
        result = visit(found[i], context);
    free(found);
    return result;
}

static int sim_lock(const struct disk *base, const char *path, struct hive_error *error)
{
    struct sim_disk *disk = of(base);
    int handle = sim_open(base, path, O_CREAT | O_RDWR);
    if (handle < 0)
        return hive_error_set(error, handle, "cannot open %s", path);
    struct sim_file *file = file_of(disk, handle);
    if (file->is_locked) {
        sim_close(base, handle);
        return hive_error_set(error, -EWOULDBLOCK, "%s is locked", path);
    }
    file->is_locked = true;
    file->lock_handle = handle;
    return handle;
}

/* ---- content ---- */

static ssize_t sim_read(const struct disk *base, int handle, void *bytes, size_t size, off_t offset)
{
    struct sim_disk *disk = of(base);
    const struct sim_file *file = file_of(disk, handle);
    if (disk->is_dead)
        return -EIO;
    if ((size_t)offset >= file->size)
        return 0;
    if (size > file->size - (size_t)offset)
        size = file->size - (size_t)offset;
    memcpy(bytes, file->data + offset, size);
    return (ssize_t)size;
}

static ssize_t sim_write(const struct disk *base, int handle, const struct iovec *parts, int count,
                         off_t offset)
{
    struct sim_disk *disk = of(base);
    struct sim_file *file = file_of(disk, handle);
    enum fate what = fate(disk);
    if (disk->is_dead && what == FATE_FAIL)
        return -EIO;
    size_t total = 0, done = 0;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    /* Cut short: by the process's end, by an error, or now and then just so, as the system may. */
    size_t most = total;
    if (what != FATE_DO || sim_random_chance(&disk->random, 5))
        most = (size_t)sim_random_below(&disk->random, total + 1);
    if (most == 0 && what == FATE_DO)
        most = total;
    for (int i = 0; i < count && done < most; i++) {
        size_t bytes = parts[i].iov_len < most - done ? parts[i].iov_len : most - done;
        sim_file_write(file, (size_t)offset + done, parts[i].iov_base, bytes);
        done += bytes;
    }
    if (what == FATE_DO)
        return (ssize_t)done;
    return failure(disk);
}

static int sim_sync(const struct disk *base, int handle)
{
    struct sim_disk *disk = of(base);
    struct sim_file *file = file_of(disk, handle);
    enum fate what = fate(disk);
    if (disk->is_dead && what == FATE_FAIL)
        return -EIO;
    if (what == FATE_DO) {
        sim_file_settle(file);
        return 0;
    }
    /* Some of it got there. After a failure nobody will try the rest again; after the process's end, the system may. */
    sim_file_settle_some(file, &disk->random, 500, what == FATE_FAIL);
    return failure(disk);
}

static int64_t sim_size(const struct disk *base, int handle)
{
    const struct sim_disk *disk = of(base);
    return disk->is_dead ? -EIO : (int64_t)file_of(disk, handle)->size;
}

static int sim_truncate(const struct disk *base, int handle, off_t bytes)
{
    struct sim_disk *disk = of(base);
    struct sim_file *file = file_of(disk, handle);
    enum fate what = fate(disk);
    if (what == FATE_FAIL)
        return failure(disk);
    if (what == FATE_DO || sim_random_chance(&disk->random, 500))
        sim_file_resize(file, (size_t)bytes);
    return what == FATE_DIE ? -EIO : 0;
}

static bool sim_is_orphan(const struct disk *base, int handle)
{
    const struct sim_disk *disk = of(base);
    const struct sim_file *file = file_of(disk, handle);
    for (size_t i = 0; i < disk->name_count; i++)
        if (disk->names[i].file == file)
            return false;
    for (size_t i = 0; i < disk->handle_count; i++)
        if (disk->handles[i] == file && i != (size_t)handle)
            return false;
    return true;
}

static uint64_t sim_random_bits(const struct disk *base)
{
    return sim_random_next(&of(base)->random);
}

/* ---- life ---- */

static const struct disk calls = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .truncate = sim_truncate,
    .is_orphan = sim_is_orphan,
    .rename = sim_rename,
    .remove = sim_remove,
    .make_directories = sim_make_directories,
    .sync_directory = sim_sync_directory,
    .list = sim_list,
    .lock = sim_lock,
    .random = sim_random_bits,
};

struct sim_disk *sim_disk_create(struct sim_random random)
{
    struct sim_disk *disk = hive_calloc(1, sizeof *disk);
    disk->disk = calls;
    disk->random = random;
    return disk;
}

void sim_disk_crash_after(struct sim_disk *disk, uint64_t call_count)
{
    disk->crash_at = disk->calls + call_count;
}

void sim_disk_fail_after(struct sim_disk *disk, uint64_t call_count, int error)
{
    disk->fail_at = disk->calls + call_count;
    disk->fail_with = error;
}

void sim_disk_kill(struct sim_disk *disk)
{
    disk->is_dead = true;
}

void sim_disk_revive(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->handle_count; i++) {
        if (disk->handles[i])
            sim_close(&disk->disk, (int)i);
    }
    disk->is_dead = false;
    disk->crash_at = disk->fail_at = 0;
}

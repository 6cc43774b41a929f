/* A disk in memory that can do what disks do at their worst: end the process at any call, fail at any call, be full, and
 * lose in a power cut what was not synced: sectors of files, and the steps of directories, each of them or none.
 * A sync that failed is believed by the page cache and by nobody else, as on Linux.
 *
 * For one thread; there is no beside, so that every run is the same. */
#ifndef UNIT_STORE_MEMORY_H
#define UNIT_STORE_MEMORY_H

#include "unit/store_model.h"

#include <fcntl.h>

#define MEMORY_SECTOR 512
#define MEMORY_FILES  8192
#define MEMORY_NAMES  64
#define MEMORY_STEPS  256
#define MEMORY_LOCKS  4

struct memory_file {
    uint8_t *now, *durable; /* of `capacity` bytes both */
    uint8_t *is_dirty;      /* of each sector */
    size_t now_bytes, durable_bytes, capacity;
};

struct memory_name {
    char *path;
    int file;
};

/* A step of a directory that is not durable yet: `to` becomes `file`, and `from` goes (either may be NULL). */
struct memory_step {
    char *from, *to;
    int file;
};

struct memory {
    struct disk disk; /* first, so that one is the other */
    struct memory_file files[MEMORY_FILES];
    int file_count;
    struct memory_name now[MEMORY_NAMES], durable[MEMORY_NAMES]; /* free where path is NULL */
    struct memory_step steps[MEMORY_STEPS];
    int step_count;
    int open_count, lock_count;
    char *locked[MEMORY_LOCKS]; /* paths */

    int calls;    /* so far */
    int crash_at; /* the number of the call in which the process ends; 0: none */
    int fail_at;  /* of the call that fails; 0: none */
    int fail_code;
    bool is_dead; /* no call does anything any more */
    size_t room;  /* bytes that all files may have; 0: no limit */
};

static inline struct memory *memory_of(const struct disk *disk)
{
    return (struct memory *)(uintptr_t)disk;
}

/* Counts a call. 0, or what it gives back instead of doing its work. */
static inline int memory_call(struct memory *memory)
{
    if (!memory->is_dead && ++memory->calls == memory->crash_at)
        memory->is_dead = true;
    if (memory->is_dead)
        return -EIO;
    return memory->calls == memory->fail_at ? memory->fail_code : 0;
}

/* ---- names ---- */

static inline struct memory_name *memory_find(struct memory_name *names, const char *path)
{
    for (int i = 0; i < MEMORY_NAMES; i++)
        if (names[i].path && strcmp(names[i].path, path) == 0)
            return &names[i];
    return NULL;
}

static inline void memory_take_step(struct memory_name *names, const struct memory_step *step)
{
    struct memory_name *from = step->from ? memory_find(names, step->from) : NULL;
    struct memory_name *to = step->to ? memory_find(names, step->to) : NULL;
    if (from) {
        free(from->path);
        from->path = NULL;
    }
    if (!step->to)
        return;
    for (int i = 0; !to; i++) {
        assert_true(i < MEMORY_NAMES);
        if (!names[i].path) {
            to = &names[i];
            to->path = hive_strdup(step->to);
        }
    }
    to->file = step->file;
}

static inline void memory_forget_step(struct memory_step *step)
{
    free(step->from);
    free(step->to);
}

static inline void memory_step(struct memory *memory, const char *from, const char *to, int file)
{
    struct memory_step step = {hive_strdup(from), hive_strdup(to), file};
    memory_take_step(memory->now, &step);
    if (memory->step_count == MEMORY_STEPS) { /* the file system does not wait for ever */
        memory_take_step(memory->durable, &memory->steps[0]);
        memory_forget_step(&memory->steps[0]);
        memmove(memory->steps, memory->steps + 1, --memory->step_count * sizeof step);
    }
    memory->steps[memory->step_count++] = step;
}

static inline int memory_open(const struct disk *disk, const char *path, int flags)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory);
    if (wrong)
        return wrong;
    struct memory_name *name = memory_find(memory->now, path);
    if (!name && !(flags & O_CREAT))
        return -ENOENT;
    int file = name ? name->file : memory->file_count;
    if (!name) {
        assert_true(memory->file_count < MEMORY_FILES);
        memory->file_count++;
        memory_step(memory, NULL, path, file);
    }
    if (flags & O_TRUNC)
        memory->files[file].now_bytes = 0;
    memory->open_count++;
    return file;
}

static inline void memory_close(const struct disk *disk, int file)
{
    struct memory *memory = memory_of(disk);
    assert_true(file >= 0);
    if (file < MEMORY_FILES) {
        memory->open_count--;
        return;
    }
    free(memory->locked[file - MEMORY_FILES]);
    memory->locked[file - MEMORY_FILES] = NULL;
    memory->lock_count--;
}

static inline int memory_rename(const struct disk *disk, const char *from, const char *to)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory);
    struct memory_name *name = memory_find(memory->now, from);
    if (wrong || !name)
        return wrong ? wrong : -ENOENT;
    memory_step(memory, from, to, name->file);
    return 0;
}

static inline int memory_remove(const struct disk *disk, const char *path)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory);
    if (wrong || !memory_find(memory->now, path))
        return wrong ? wrong : -ENOENT;
    memory_step(memory, path, NULL, -1);
    return 0;
}

static inline bool memory_is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return path && strncmp(path, directory, length) == 0 && path[length] == '/';
}

static inline int memory_sync_directory(const struct disk *disk, const char *path)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory), left = 0;
    if (wrong)
        return wrong;
    for (int i = 0; i < memory->step_count; i++) {
        struct memory_step *step = &memory->steps[i];
        if (memory_is_in(step->to ? step->to : step->from, path)) {
            memory_take_step(memory->durable, step);
            memory_forget_step(step);
        } else {
            memory->steps[left++] = *step;
        }
    }
    memory->step_count = left;
    return 0;
}

static inline int memory_list(const struct disk *disk, const char *path,
                              int (*visit)(const char *name, void *context), void *context)
{
    struct memory *memory = memory_of(disk);
    int result = memory_call(memory);
    for (int i = MEMORY_NAMES; i-- && result == 0;)
        if (memory_is_in(memory->now[i].path, path))
            result = visit(memory->now[i].path + strlen(path) + 1, context);
    return result;
}

static inline int memory_make_directories(const struct disk *disk, const char *path)
{
    (void)path;
    return memory_call(memory_of(disk));
}

static inline int memory_lock(const struct disk *disk, const char *path, struct hive_error *error)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory), free_one = -1;
    for (int i = 0; i < MEMORY_LOCKS; i++) {
        if (!memory->locked[i])
            free_one = i;
        else if (strcmp(memory->locked[i], path) == 0)
            wrong = -EWOULDBLOCK;
    }
    if (wrong)
        return hive_error_set(error, wrong, "locked");
    memory->locked[free_one] = hive_strdup(path);
    memory->lock_count++;
    return MEMORY_FILES + free_one;
}

/* ---- bytes ---- */

static inline void memory_reserve(struct memory_file *file, size_t bytes)
{
    if (bytes <= file->capacity)
        return;
    size_t capacity = (bytes * 2 + MEMORY_SECTOR) / MEMORY_SECTOR * MEMORY_SECTOR;
    file->now = hive_realloc(file->now, capacity, 1);
    file->durable = hive_realloc(file->durable, capacity, 1);
    file->is_dirty = hive_realloc(file->is_dirty, capacity / MEMORY_SECTOR, 1);
    memset(file->now + file->capacity, 0, capacity - file->capacity);
    memset(file->durable + file->capacity, 0, capacity - file->capacity);
    memset(file->is_dirty + file->capacity / MEMORY_SECTOR, 0, (capacity - file->capacity) / MEMORY_SECTOR);
    file->capacity = capacity;
}

static inline size_t memory_used(const struct memory *memory)
{
    size_t bytes = 0;
    for (int i = 0; i < MEMORY_NAMES; i++)
        bytes += memory->now[i].path ? memory->files[memory->now[i].file].now_bytes : 0;
    return bytes;
}

static inline ssize_t memory_write(const struct disk *disk, int handle, const struct iovec *parts, int count,
                                   off_t offset)
{
    struct memory *memory = memory_of(disk);
    struct memory_file *file = &memory->files[handle];
    bool was_dead = memory->is_dead;
    int wrong = memory_call(memory);
    size_t total = 0, done = 0;
    for (int i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (wrong && (was_dead || !memory->is_dead))
        return wrong;
    size_t most = wrong ? random_below(total + 1) : total; /* the process ends in the middle */
    size_t end = (size_t)offset + most, grows = end > file->now_bytes ? end - file->now_bytes : 0;
    if (memory->room && grows && memory_used(memory) + grows > memory->room)
        return -ENOSPC;
    memory_reserve(file, end);
    if ((size_t)offset > file->now_bytes)
        memset(file->now + file->now_bytes, 0, (size_t)offset - file->now_bytes);
    for (int i = 0; i < count && done < most; i++) {
        size_t part = parts[i].iov_len < most - done ? parts[i].iov_len : most - done;
        memcpy(file->now + (size_t)offset + done, parts[i].iov_base, part);
        done += part;
    }
    for (size_t at = (size_t)offset; at < end; at = (at / MEMORY_SECTOR + 1) * MEMORY_SECTOR)
        file->is_dirty[at / MEMORY_SECTOR] = 1;
    if (end > file->now_bytes)
        file->now_bytes = end;
    return wrong ? wrong : (ssize_t)total;
}

static inline ssize_t memory_read(const struct disk *disk, int handle, void *bytes, size_t size, off_t offset)
{
    struct memory *memory = memory_of(disk);
    struct memory_file *file = &memory->files[handle];
    int wrong = memory_call(memory);
    if (wrong)
        return wrong;
    size_t left = (size_t)offset < file->now_bytes ? file->now_bytes - (size_t)offset : 0;
    if (left > size)
        left = size;
    if (left)
        memcpy(bytes, file->now + offset, left);
    return (ssize_t)left;
}

static inline int memory_sync(const struct disk *disk, int handle)
{
    struct memory *memory = memory_of(disk);
    struct memory_file *file = &memory->files[handle];
    int wrong = memory_call(memory);
    if (memory->is_dead)
        return wrong;
    for (size_t at = 0; at < file->capacity; at += MEMORY_SECTOR) {
        if (file->is_dirty[at / MEMORY_SECTOR] && !wrong)
            memcpy(file->durable + at, file->now + at, MEMORY_SECTOR);
        file->is_dirty[at / MEMORY_SECTOR] = 0;
    }
    if (!wrong)
        file->durable_bytes = file->now_bytes;
    return wrong;
}

static inline int64_t memory_size(const struct disk *disk, int handle)
{
    struct memory *memory = memory_of(disk);
    int wrong = memory_call(memory);
    return wrong ? wrong : (int64_t)memory->files[handle].now_bytes;
}

static inline int memory_truncate(const struct disk *disk, int handle, off_t bytes)
{
    struct memory *memory = memory_of(disk);
    struct memory_file *file = &memory->files[handle];
    int wrong = memory_call(memory);
    if (wrong)
        return wrong;
    memory_reserve(file, (size_t)bytes);
    if ((size_t)bytes < file->now_bytes)
        memset(file->now + bytes, 0, file->now_bytes - (size_t)bytes);
    file->now_bytes = (size_t)bytes;
    return 0;
}

static inline bool memory_is_orphan(const struct disk *disk, int handle)
{
    const struct memory *memory = memory_of(disk);
    for (int i = 0; i < MEMORY_NAMES; i++)
        if (memory->now[i].path && memory->now[i].file == handle)
            return false;
    return true;
}

static inline uint64_t memory_random(const struct disk *disk)
{
    (void)disk;
    return random_below(UINT64_MAX);
}

/* ---- the world around it ---- */

static inline struct memory *memory_create(void)
{
    struct memory *memory = hive_calloc(1, sizeof *memory);
    memory->disk = (struct disk){.open = memory_open,
                                 .close = memory_close,
                                 .read = memory_read,
                                 .write = memory_write,
                                 .sync = memory_sync,
                                 .size = memory_size,
                                 .truncate = memory_truncate,
                                 .is_orphan = memory_is_orphan,
                                 .rename = memory_rename,
                                 .remove = memory_remove,
                                 .make_directories = memory_make_directories,
                                 .sync_directory = memory_sync_directory,
                                 .list = memory_list,
                                 .lock = memory_lock,
                                 .random = memory_random};
    memory->fail_code = -EIO;
    return memory;
}

static inline void memory_destroy(struct memory *memory)
{
    for (int i = 0; i < memory->file_count; i++) {
        free(memory->files[i].now);
        free(memory->files[i].durable);
        free(memory->files[i].is_dirty);
    }
    for (int i = 0; i < MEMORY_NAMES; i++) {
        free(memory->now[i].path);
        free(memory->durable[i].path);
    }
    for (int i = 0; i < memory->step_count; i++)
        memory_forget_step(&memory->steps[i]);
    free(memory);
}

/* A process begins, on a disk that is well. */
static inline void memory_revive(struct memory *memory)
{
    assert_int_equal(memory->open_count, 0);
    assert_int_equal(memory->lock_count, 0);
    memory->is_dead = false;
    memory->calls = memory->crash_at = memory->fail_at = 0;
    memory->room = 0;
}

/* What was not synced is lost, or not, each thing by itself. */
static inline void memory_cut_power(struct memory *memory)
{
    uint64_t odds = random_below(3) ? 2 : random_below(2) ? 1 : 1000000; /* half of it, all, or nothing */
    for (int i = 0; i < memory->step_count; i++) {
        if (random_below(odds))
            memory_take_step(memory->durable, &memory->steps[i]);
        memory_forget_step(&memory->steps[i]);
    }
    memory->step_count = 0;
    for (int i = 0; i < MEMORY_NAMES; i++) {
        free(memory->now[i].path);
        memory->now[i] = memory->durable[i];
        memory->now[i].path = hive_strdup(memory->durable[i].path);
    }
    for (int i = 0; i < memory->file_count; i++) {
        struct memory_file *file = &memory->files[i];
        if (!file->capacity)
            continue;
        for (size_t at = 0; at < file->capacity; at += MEMORY_SECTOR)
            if (file->is_dirty[at / MEMORY_SECTOR] && random_below(odds))
                memcpy(file->durable + at, file->now + at, MEMORY_SECTOR);
        if (random_below(odds))
            file->durable_bytes = file->now_bytes;
        memset(file->durable + file->durable_bytes, 0, file->capacity - file->durable_bytes);
        memcpy(file->now, file->durable, file->capacity);
        memset(file->is_dirty, 0, file->capacity / MEMORY_SECTOR);
        file->now_bytes = file->durable_bytes;
    }
}

#endif

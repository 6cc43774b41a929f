/* What is on the disk, what only seems to be, and what a power loss makes of the difference. */
#include "sim/sim_disk_files.h"

#include <assert.h>

#include "hive/memory.h"

/* ---- content ---- */

struct sim_file *sim_file_create(void)
{
    return hive_calloc(1, sizeof(struct sim_file));
}

void sim_file_release(struct sim_file *file)
{
    if (!file || --file->users > 0)
        return;
    free(file->data);
    free(file->durable);
    free(file->ranges);
    free(file);
}

static void grow(struct sim_file *file, size_t size)
{
    if (size <= file->capacity)
        return;
    size_t capacity = file->capacity ? file->capacity : 1024;
    while (capacity < size)
        capacity *= 2;
    file->data = hive_realloc(file->data, capacity, 1);
    file->durable = hive_realloc(file->durable, capacity, 1);
    memset(file->data + file->capacity, 0, capacity - file->capacity);
    memset(file->durable + file->capacity, 0, capacity - file->capacity);
    file->capacity = capacity;
}

static void add_range(struct sim_file *file, size_t from, size_t to)
{
    if (from == to)
        return;
    /* The kernel writes back what it has of a sector, all of it. */
    from -= from % SIM_SECTOR_BYTES;
    to += SIM_SECTOR_BYTES - 1 - (to + SIM_SECTOR_BYTES - 1) % SIM_SECTOR_BYTES;
    grow(file, to);
    if (file->range_count > 0 && file->ranges[file->range_count - 1].to == from) {
        file->ranges[file->range_count - 1].to = to;
        return;
    }
    if (file->range_count == file->range_capacity) {
        file->range_capacity = file->range_capacity ? file->range_capacity * 2 : 4;
        file->ranges = hive_realloc(file->ranges, file->range_capacity, sizeof *file->ranges);
    }
    file->ranges[file->range_count++] = (struct sim_range){from, to};
}

void sim_file_write(struct sim_file *file, size_t offset, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    grow(file, offset + size);
    memcpy(file->data + offset, bytes, size);
    if (offset + size > file->size)
        file->size = offset + size;
    add_range(file, offset, offset + size);
}

void sim_file_resize(struct sim_file *file, size_t size)
{
    grow(file, size);
    if (size < file->size) {
        memset(file->data + size, 0, file->size - size);
        add_range(file, size, file->size);
    }
    file->size = size;
}

static void settle_size(struct sim_file *file)
{
    if (file->durable_size > file->size)
        memset(file->durable + file->size, 0, file->durable_size - file->size);
    file->durable_size = file->size;
}

void sim_file_settle(struct sim_file *file)
{
    for (size_t i = 0; i < file->range_count; i++) {
        size_t from = file->ranges[i].from, to = file->ranges[i].to;
        memcpy(file->durable + from, file->data + from, to - from);
    }
    file->range_count = 0;
    settle_size(file);
}

uint64_t sim_file_settle_some(struct sim_file *file, struct sim_random *random, unsigned per_mille,
                              bool forgets)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < file->range_count; i++) {
        size_t from = file->ranges[i].from, next;
        for (; from < file->ranges[i].to; from = next) {
            next = (from / SIM_SECTOR_BYTES + 1) * SIM_SECTOR_BYTES;
            next = next < file->ranges[i].to ? next : file->ranges[i].to;
            if (sim_random_chance(random, per_mille))
                memcpy(file->durable + from, file->data + from, next - from);
            else
                lost++;
        }
    }
    if (file->size != file->durable_size && sim_random_chance(random, per_mille))
        settle_size(file);
    if (forgets)
        file->range_count = 0;
    return lost;
}

void sim_file_lose(struct sim_file *file)
{
    size_t changed = file->size > file->durable_size ? file->size : file->durable_size;
    for (size_t i = 0; i < file->range_count; i++)
        changed = file->ranges[i].to > changed ? file->ranges[i].to : changed;
    if (file->durable_size < changed)
        memset(file->durable + file->durable_size, 0, changed - file->durable_size);
    if (changed > 0)
        memcpy(file->data, file->durable, changed);
    file->size = file->durable_size;
    file->range_count = 0;
}

/* ---- names ---- */

struct sim_name *sim_disk_find(const struct sim_disk *disk, const char *path)
{
    uint64_t hash = sim_hash(0, path, strlen(path));
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].hash == hash && strcmp(disk->names[i].path, path) == 0)
            return &disk->names[i];
    }
    return NULL;
}

struct sim_name *sim_disk_name(struct sim_disk *disk, const char *path)
{
    struct sim_name *name = sim_disk_find(disk, path);
    if (name)
        return name;
    if (disk->name_count == disk->name_capacity) {
        disk->name_capacity = disk->name_capacity ? disk->name_capacity * 2 : 16;
        disk->names = hive_realloc(disk->names, disk->name_capacity, sizeof *disk->names);
    }
    disk->names[disk->name_count] =
        (struct sim_name){.path = hive_strdup(path), .hash = sim_hash(0, path, strlen(path))};
    return &disk->names[disk->name_count++];
}

static void point(struct sim_file **where, struct sim_file *file)
{
    if (file)
        file->users++;
    sim_file_release(*where);
    *where = file;
}

static void apply_seen(struct sim_disk *disk, const struct sim_change *change)
{
    if (change->to)
        point(&sim_disk_find(disk, change->to)->file, change->file);
    if (change->from)
        point(&sim_disk_find(disk, change->from)->file, NULL);
}

/* On the disk, a change of a name that never got there changes nothing. */
static void apply_durable(struct sim_disk *disk, const struct sim_change *change)
{
    struct sim_name *from = change->from ? sim_disk_find(disk, change->from) : NULL;
    if (from && from->durable != change->file)
        return;
    if (change->to)
        point(&sim_disk_find(disk, change->to)->durable, change->file);
    if (from)
        point(&from->durable, NULL);
}

void sim_disk_change(struct sim_disk *disk, struct sim_change change, struct sim_file *file)
{
    if (disk->change_count == disk->change_capacity) {
        disk->change_capacity = disk->change_capacity ? disk->change_capacity * 2 : 8;
        disk->changes = hive_realloc(disk->changes, disk->change_capacity, sizeof *disk->changes);
    }
    change.file = NULL;
    point(&change.file, file);
    disk->changes[disk->change_count++] = change;
    apply_seen(disk, &change);
}

bool sim_disk_is_in(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && path[length] == '/' && !strchr(path + length + 1, '/');
}

static bool concerns(const struct sim_change *change, const char *directory)
{
    return sim_disk_is_in(change->to ? change->to : change->from, directory);
}

/* Names of no file: a log makes new ones for ever. */
static void forget_names(struct sim_disk *disk)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].file || disk->names[i].durable)
            disk->names[kept++] = disk->names[i];
        else
            free(disk->names[i].path);
    }
    disk->name_count = kept;
}

void sim_disk_settle_names(struct sim_disk *disk, const char *directory)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->change_count; i++) {
        if (concerns(&disk->changes[i], directory)) {
            apply_durable(disk, &disk->changes[i]);
            sim_file_release(disk->changes[i].file);
        } else {
            disk->changes[kept++] = disk->changes[i];
        }
    }
    disk->change_count = kept;
    if (kept == 0)
        forget_names(disk);
}

/* ---- losing power ---- */

/* Of the changes of names: none, the first few (as a journal would), or any. */
static void lose_names(struct sim_disk *disk, unsigned per_mille)
{
    size_t first = (size_t)sim_random_below(&disk->random, disk->change_count + 1);
    bool is_ordered = sim_random_chance(&disk->random, 500);
    for (size_t i = 0; i < disk->change_count; i++) {
        if (is_ordered ? i < first : sim_random_chance(&disk->random, per_mille))
            apply_durable(disk, &disk->changes[i]);
        sim_file_release(disk->changes[i].file);
    }
    disk->change_count = 0;
    for (size_t i = 0; i < disk->name_count; i++)
        point(&disk->names[i].file, disk->names[i].durable);
}

void sim_disk_lose_power(struct sim_disk *disk)
{
    assert(disk->is_dead);
    static const unsigned kept_per_mille[] = {0, 0, 0, 200, 500, 800, 1000, 1000};
    unsigned per_mille = kept_per_mille[sim_random_below(&disk->random, 8)];
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].file)
            disk->lost_sectors += sim_file_settle_some(disk->names[i].file, &disk->random, per_mille, true);
    }
    lose_names(disk, per_mille);
    for (size_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].file)
            sim_file_lose(disk->names[i].file);
    }
}

void sim_disk_destroy(struct sim_disk *disk)
{
    if (!disk)
        return;
    sim_disk_revive(disk);
    for (size_t i = 0; i < disk->change_count; i++)
        sim_file_release(disk->changes[i].file);
    for (size_t i = 0; i < disk->name_count; i++) {
        point(&disk->names[i].file, NULL);
        point(&disk->names[i].durable, NULL);
        free(disk->names[i].path);
    }
    free(disk->names);
    free(disk->changes);
    free(disk->handles);
    free(disk);
}

/* Files and names of the disk in memory, each as it is seen and as it would be after a power loss. For sim_disk.c and its tests. */
#ifndef SIM_SIM_DISK_FILES_H
#define SIM_SIM_DISK_FILES_H

#include "sim/sim_disk.h"

#define SIM_SECTOR_BYTES 512

/* Bytes that were written and not synced. */
struct sim_range {
    size_t from, to;
};

struct sim_file {
    uint64_t users; /* names, changes of names and handles that speak of it */
    char *data;     /* as it is seen */
    char *durable;  /* as it is on the disk */
    size_t size, durable_size;
    size_t capacity; /* of both; beyond the sizes there are zeros */
    struct sim_range *ranges;
    size_t range_count, range_capacity;
    bool is_locked;
    int lock_handle;
};

struct sim_file *sim_file_create(void);
void sim_file_release(struct sim_file *file);
void sim_file_write(struct sim_file *file, size_t offset, const void *bytes, size_t size);
void sim_file_resize(struct sim_file *file, size_t size);
void sim_file_settle(struct sim_file *file); /* synced */
/* Of the unsynced sectors and the size, each got to the disk with that probability; `forgets`: the others never will. Returns how many did not. */
uint64_t sim_file_settle_some(struct sim_file *file, struct sim_random *random, unsigned per_mille,
                              bool forgets);
void sim_file_lose(struct sim_file *file); /* what is seen is what is on the disk */

struct sim_name {
    char *path;
    uint64_t hash;            /* of the path */
    struct sim_file *file;    /* as it is seen; NULL: no such file */
    struct sim_file *durable; /* as it is on the disk */
};

/* Changes of names that were not synced, in order. */
enum sim_change_kind { SIM_CHANGE_MAKE, SIM_CHANGE_RENAME, SIM_CHANGE_REMOVE };
struct sim_change {
    enum sim_change_kind kind;
    const char *from, *to; /* of names */
    struct sim_file *file;
};

struct sim_name *sim_disk_find(const struct sim_disk *disk, const char *path);
struct sim_name *sim_disk_name(struct sim_disk *disk, const char *path); /* the same, made where missing */
void sim_disk_change(struct sim_disk *disk, struct sim_change change, struct sim_file *file);
void sim_disk_settle_names(struct sim_disk *disk, const char *directory);
bool sim_disk_is_in(const char *path, const char *directory);

#endif

/* A disk in memory, behind the store's seam (store/disk.h), that is as unkind as a disk may be:
 *
 *   - What was written is there for whoever reads, and gone after a power loss unless it was synced: any subset of the sectors that
 *     were not, in any mixture; the file's new size, too. Names (made, renamed, removed) are lost likewise until their directory is synced.
 *   - A failed sync leaves what it was to sync readable, and not on the disk, for ever: a later sync does not mend that.
 *   - It can end its process in the middle of any call (sim_disk_crash_after), with a part of the call done.
 *
 * Two ways to end: of the process alone (what was written stays readable for the next one), or of the machine (power). One process
 * has it open at a time. */
#ifndef SIM_SIM_DISK_H
#define SIM_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/random.h"
#include "store/disk.h"

struct sim_file;
struct sim_name;
struct sim_change;

struct sim_disk {
    struct disk disk; /* first: what the store is given */
    struct sim_random random;
    struct sim_name *names; /* the directory tree, flat: by path */
    size_t name_count, name_capacity;
    struct sim_change *changes; /* of names, not synced, in order */
    size_t change_count, change_capacity;
    struct sim_file **handles; /* open files; NULL: free */
    size_t handle_count;
    bool is_dead;          /* the process has ended: every call fails and does nothing */
    uint64_t calls;        /* that change something, so far */
    uint64_t crash_at;     /* in the call of this number; 0: never */
    uint64_t fail_at;      /* the same, with an error … */
    int fail_with;         /* … such as -EIO */
    uint64_t failures;     /* calls that failed so */
    uint64_t lost_sectors; /* in power losses */
};

struct sim_disk *sim_disk_create(struct sim_random random);
void sim_disk_destroy(struct sim_disk *disk);

/* The process ends in the middle of the call that is `calls` changes away (1: the next). is_dead tells that it did. */
void sim_disk_crash_after(struct sim_disk *disk, uint64_t calls);
void sim_disk_fail_after(struct sim_disk *disk, uint64_t calls, int error);

/* The process has ended: calls fail until sim_disk_revive, which closes all files for the next one. What is armed is disarmed. */
void sim_disk_kill(struct sim_disk *disk);
void sim_disk_lose_power(struct sim_disk *disk); /* after kill */
void sim_disk_revive(struct sim_disk *disk);

#endif

/* The disk thread. It exists so that the consensus thread never waits for a sync: replication runs beside it.
 */
#include "queen/disk.h"

#include <pthread.h>
#include <unistd.h>

#include "hive/log.h"
#include "hive/memory.h"
#include "hive/options.h"

struct disk {
    struct store *store;
    struct inbox *inbox;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t filled;
    struct hive_buffer batch;
    uint64_t write; /* number of the last write in `batch` */
    bool has_work, is_stopping;
};

static void *run(void *argument)
{
    struct disk *disk = argument;
    struct hive_buffer batch = {0};
    struct hive_error error;
    for (;;) {
        pthread_mutex_lock(&disk->mutex);
        while (!disk->has_work && !disk->is_stopping)
            pthread_cond_wait(&disk->filled, &disk->mutex);
        if (!disk->has_work)
            break;
        struct hive_buffer filled = disk->batch;
        disk->batch = batch; /* its memory is used again */
        batch = filled;
        uint64_t write = disk->write;
        disk->has_work = false;
        pthread_mutex_unlock(&disk->mutex);

        if (store_write(disk->store, batch.data, batch.size, &error)) {
            hive_log_error("stopping: the log cannot be written", LOG_S("error", error.message));
            _exit(HIVE_EXIT_FAILED); /* nothing that is not durable may be said, not even a farewell */
        }
        hive_buffer_clear(&batch);
        inbox_set_durable(disk->inbox, write);
    }
    pthread_mutex_unlock(&disk->mutex);
    hive_buffer_finish(&batch);
    return NULL;
}

struct disk *disk_start(struct store *store, struct inbox *inbox)
{
    struct disk *disk = hive_calloc(1, sizeof *disk);
    disk->store = store;
    disk->inbox = inbox;
    pthread_mutex_init(&disk->mutex, NULL);
    pthread_cond_init(&disk->filled, NULL);
    pthread_create(&disk->thread, NULL, run, disk);
    pthread_setname_np(disk->thread, "disk");
    return disk;
}

struct hive_buffer *disk_begin(struct disk *disk)
{
    pthread_mutex_lock(&disk->mutex);
    return &disk->batch;
}

void disk_end(struct disk *disk, uint64_t write)
{
    disk->write = write;
    disk->has_work = true;
    pthread_cond_signal(&disk->filled);
    pthread_mutex_unlock(&disk->mutex);
}

void disk_stop(struct disk *disk)
{
    if (!disk)
        return;
    pthread_mutex_lock(&disk->mutex);
    disk->is_stopping = true;
    pthread_cond_signal(&disk->filled);
    pthread_mutex_unlock(&disk->mutex);
    pthread_join(disk->thread, NULL);
    pthread_cond_destroy(&disk->filled);
    pthread_mutex_destroy(&disk->mutex);
    hive_buffer_finish(&disk->batch);
    free(disk);
}

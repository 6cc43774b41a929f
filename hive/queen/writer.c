/* The writer thread. It exists so that the consensus thread never waits for a sync: replication runs beside it.
 */
#include "queen/writer.h"

#include <pthread.h>
#include <unistd.h>

#include "hive/log.h"
#include "hive/memory.h"
#include "hive/options.h"

struct writer {
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
    struct writer *writer = argument;
    struct hive_buffer batch = {0};
    struct hive_error error;
    for (;;) {
        pthread_mutex_lock(&writer->mutex);
        while (!writer->has_work && !writer->is_stopping)
            pthread_cond_wait(&writer->filled, &writer->mutex);
        if (!writer->has_work)
            break;
        struct hive_buffer filled = writer->batch;
        writer->batch = batch; /* its memory is used again */
        batch = filled;
        uint64_t write = writer->write;
        writer->has_work = false;
        pthread_mutex_unlock(&writer->mutex);

        if (store_write(writer->store, batch.data, batch.size, &error)) {
            hive_log_error("stopping: the log cannot be written", LOG_S("error", error.message));
            _exit(HIVE_EXIT_FAILED); /* nothing that is not durable may be said, not even a farewell */
        }
        hive_buffer_clear(&batch);
        inbox_set_durable(writer->inbox, write);
    }
    pthread_mutex_unlock(&writer->mutex);
    hive_buffer_finish(&batch);
    return NULL;
}

struct writer *writer_start(struct store *store, struct inbox *inbox)
{
    struct writer *writer = hive_calloc(1, sizeof *writer);
    writer->store = store;
    writer->inbox = inbox;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->filled, NULL);
    pthread_create(&writer->thread, NULL, run, writer);
    pthread_setname_np(writer->thread, "writer");
    return writer;
}

struct hive_buffer *writer_begin(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    return &writer->batch;
}

void writer_end(struct writer *writer, uint64_t write)
{
    writer->write = write;
    writer->has_work = true;
    pthread_cond_signal(&writer->filled);
    pthread_mutex_unlock(&writer->mutex);
}

void writer_stop(struct writer *writer)
{
    if (!writer)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->is_stopping = true;
    pthread_cond_signal(&writer->filled);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->filled);
    pthread_mutex_destroy(&writer->mutex);
    hive_buffer_finish(&writer->batch);
    free(writer);
}

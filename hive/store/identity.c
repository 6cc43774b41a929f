/* The id belongs to the disk, not to the address: an emptied directory is another member, which has no vote and has
 * acknowledged nothing, so that its group cannot count on what it has forgotten (§4.2).
 *
 * The files look alike. All integers are little-endian.
 *
 *     offset  bytes
 *          0      8  "HIVEID" and two NULs, "HIVEFND" and a NUL, or "HIVEJND" and a NUL
 *          8      4  format version, 1
 *         12      4  bytes of the content
 *         16         content: the id in 8 bytes, the configuration as raft/configuration.h encodes it, or the index in 8 bytes
 *         +0      4  CRC32C of all above
 *
 * They get their name only when they are complete and synced, so that a bad one is damage, not a crash. */
#include "store/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "hive/buffer.h"
#include "hive/memory.h"
#include "raft/configuration.h"
#include "store/bytes.h"
#include "store/catalog.h"
#include "store/crc32c.h"

#define VERSION      1
#define HEADER_BYTES 16
#define FILE_BYTES   ((size_t)1024 * 1024) /* far above what 64 members take */

static const char identity_magic[8] = "HIVEID", founding_magic[8] = "HIVEFND", joined_magic[8] = "HIVEJND";

static int put(const struct disk *disk, const char *directory, const char *name, const char magic[8],
               const struct hive_buffer *content, struct hive_error *error)
{
    struct hive_buffer file = {0};
    uint8_t *at = hive_buffer_reserve(&file, HEADER_BYTES);
    memcpy(at, magic, 8);
    put_u32(put_u32(at + 8, VERSION), (uint32_t)content->size);
    file.size += HEADER_BYTES;
    hive_buffer_append(&file, content->data, content->size);
    uint32_t crc = crc32c(0, file.data, file.size);
    put_u32(hive_buffer_reserve(&file, 4), crc);
    file.size += 4;
    int result = disk_put_file(disk, directory, name, file.data, file.size, error);
    hive_buffer_finish(&file);
    return result;
}

/* Leaves in `file` the content alone. */
static int get(const struct disk *disk, const char *directory, const char *name, const char magic[8],
               struct hive_buffer *file, struct hive_error *error)
{
    char *path = hive_format("%s/%s", directory, name);
    int handle = disk->open(disk, path, O_RDONLY);
    int result = handle < 0 ? handle : disk_read_all(disk, handle, FILE_BYTES, file);
    if (handle >= 0)
        disk->close(disk, handle);
    const uint8_t *at = (const uint8_t *)file->data;
    if (result == -ENOENT)
        ;
    else if (result < 0)
        hive_error_set(error, result, "cannot read %s: %s", path, strerror(-result));
    else if (file->size < HEADER_BYTES + 4 || memcmp(at, magic, 8) != 0 ||
             get_u32(at + file->size - 4) != crc32c(0, at, file->size - 4) ||
             get_u32(at + 12) != file->size - HEADER_BYTES - 4)
        result = hive_error_set(error, -EBADMSG,
                                "%s is damaged: leave this queen off, and let another one with an empty "
                                "directory take its place",
                                path);
    else if (get_u32(at + 8) != VERSION)
        result = hive_error_set(error, -ENOTSUP,
                                "%s was written by another version of hive: run that version on it", path);
    if (result == 0) {
        hive_buffer_consume(file, HEADER_BYTES);
        file->size -= 4;
    }
    free(path);
    return result;
}

raft_id identity_draw(const struct disk *disk)
{
    raft_id id = 0;
    while (id == 0)
        id = disk->random(disk) & ((UINT64_C(1) << 48) - 1);
    return id;
}

static int get_number(const struct disk *disk, const char *directory, const char *name, const char magic[8],
                      uint64_t *number, struct hive_error *error)
{
    struct hive_buffer content = {0};
    int result = get(disk, directory, name, magic, &content, error);
    if (result == 0)
        *number = content.size == 8 ? get_u64((const uint8_t *)content.data) : 0;
    if (result == 0 && *number == 0)
        result = hive_error_set(error, -EBADMSG, "%s/%s is damaged: it holds no number", directory, name);
    hive_buffer_finish(&content);
    return result;
}

static int put_number(const struct disk *disk, const char *directory, const char *name, const char magic[8],
                      uint64_t number, struct hive_error *error)
{
    struct hive_buffer content = {0};
    put_u64(hive_buffer_reserve(&content, 8), number);
    content.size += 8;
    int result = put(disk, directory, name, magic, &content, error);
    hive_buffer_finish(&content);
    return result;
}

int identity_read(const struct disk *disk, const char *directory, raft_id *id, struct hive_error *error)
{
    return get_number(disk, directory, CATALOG_IDENTITY_NAME, identity_magic, id, error);
}

int identity_write(const struct disk *disk, const char *directory, raft_id id, struct hive_error *error)
{
    return put_number(disk, directory, CATALOG_IDENTITY_NAME, identity_magic, id, error);
}

int joined_read(const struct disk *disk, const char *directory, raft_index *index, struct hive_error *error)
{
    return get_number(disk, directory, CATALOG_JOINED_NAME, joined_magic, index, error);
}

int joined_write(const struct disk *disk, const char *directory, raft_index index, struct hive_error *error)
{
    return put_number(disk, directory, CATALOG_JOINED_NAME, joined_magic, index, error);
}

int founding_read(const struct disk *disk, const char *directory, struct raft_configuration *founding,
                  struct hive_error *error)
{
    struct hive_buffer content = {0};
    int result = get(disk, directory, CATALOG_FOUNDING_NAME, founding_magic, &content, error);
    if (result == 0 && !raft_configuration_decode(content.data, content.size, 0, founding))
        result = hive_error_set(error, -EBADMSG,
                                "%s/" CATALOG_FOUNDING_NAME " is damaged: it holds no members", directory);
    hive_buffer_finish(&content);
    return result;
}

int founding_write(const struct disk *disk, const char *directory, const struct raft_configuration *founding,
                   struct hive_error *error)
{
    struct hive_buffer content = {0};
    raft_configuration_encode(&content, founding);
    int result = put(disk, directory, CATALOG_FOUNDING_NAME, founding_magic, &content, error);
    hive_buffer_finish(&content);
    return result;
}

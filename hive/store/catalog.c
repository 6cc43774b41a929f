/* The names in a queen's directory, read back into what they stand for. */
#include "store/catalog.h"

#include <inttypes.h>

#include "hive/memory.h"

/* Reads `count` numbers of that many digits each, with dashes between them and nothing behind. */
static bool read_numbers(const char *text, int count, size_t digits, uint64_t numbers[3])
{
    for (int i = 0; i < count; i++, text += digits) {
        if (i && *text++ != '-')
            return false;
        if (strspn(text, "0123456789") < digits)
            return false;
        char *part = hive_memdup(text, digits);
        numbers[i] = strtoull(part, NULL, 10);
        free(part);
    }
    return *text == '\0';
}

static enum catalog_kind kind_of(const char *name, uint64_t numbers[3])
{
    static const struct {
        const char *prefix; /* of the numbers, or all of the name */
        enum catalog_kind kind;
        int count; /* of numbers */
        size_t digits;
    } kinds[] = {
        {CATALOG_LOCK_NAME, CATALOG_LOCK, 0, 0},
        {CATALOG_IDENTITY_NAME, CATALOG_IDENTITY, 0, 0},
        {CATALOG_FOUNDING_NAME, CATALOG_FOUNDING, 0, 0},
        {CATALOG_JOINED_NAME, CATALOG_JOINED, 0, 0},
        {CATALOG_RESTORING_NAME, CATALOG_RESTORING, 0, 0},
        {"segment-", CATALOG_SEGMENT, 1, 10},
        {"snapshot-", CATALOG_SNAPSHOT, 2, 20},
        {"incoming-", CATALOG_INCOMING, 3, 20},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].prefix);
        if (strncmp(name, kinds[i].prefix, length) == 0 &&
            read_numbers(name + length, kinds[i].count, kinds[i].digits, numbers))
            return kinds[i].count && numbers[0] == 0 ? CATALOG_OTHER : kinds[i].kind; /* all begin with 1 */
    }
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".tmp") == 0 ? CATALOG_TEMPORARY : CATALOG_OTHER;
}

static int add(const char *name, void *context)
{
    struct catalog *catalog = context;
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity ? catalog->capacity * 2 : 16;
        catalog->files = hive_realloc(catalog->files, catalog->capacity, sizeof *catalog->files);
    }
    struct catalog_file *file = &catalog->files[catalog->count++];
    *file = (struct catalog_file){.name = hive_strdup(name)};
    file->kind = kind_of(name, file->numbers);
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct catalog_file *left = a, *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    for (int i = 0; i < 3; i++)
        if (left->numbers[i] != right->numbers[i])
            return left->numbers[i] < right->numbers[i] ? -1 : 1;
    return strcmp(left->name, right->name);
}

int catalog_read(const struct disk *disk, const char *directory, struct catalog *catalog,
                 struct hive_error *error)
{
    *catalog = (struct catalog){0};
    int result = disk->list(disk, directory, add, catalog);
    if (result < 0)
        return hive_error_set(error, result, "cannot read the directory %s: %s", directory,
                              strerror(-result));
    if (catalog->count)
        qsort(catalog->files, catalog->count, sizeof *catalog->files, compare);
    return 0;
}

void catalog_finish(struct catalog *catalog)
{
    for (size_t i = 0; i < catalog->count; i++)
        free(catalog->files[i].name);
    free(catalog->files);
    *catalog = (struct catalog){0};
}

const struct catalog_file *catalog_find(const struct catalog *catalog, enum catalog_kind kind, size_t *count)
{
    size_t first = 0;
    *count = 0;
    while (first < catalog->count && catalog->files[first].kind != kind)
        first++;
    while (first + *count < catalog->count && catalog->files[first + *count].kind == kind)
        ++*count;
    return catalog->files + first;
}

void catalog_remove(const struct catalog *catalog, const struct disk *disk, const char *directory,
                    enum catalog_kind kind)
{
    size_t count;
    const struct catalog_file *file = catalog_find(catalog, kind, &count);
    for (; count; count--, file++) {
        char *path = hive_format("%s/%s", directory, file->name);
        disk_remove(disk, path);
        free(path);
    }
}

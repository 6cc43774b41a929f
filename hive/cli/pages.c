/* One list out of many pages, so that no verb shows the first thousand of something and keeps quiet about the
 * rest. */
#include "cli/pages.h"

#include <errno.h>

#include "hive/json.h"

/* Moves the entries of `page` to the end of `all`. Returns the last one, or NULL where there is none. */
static const cJSON *move_entries(cJSON *page, const char *array, cJSON *all)
{
    cJSON *entries = cJSON_GetObjectItemCaseSensitive(page, array), *entry = NULL;
    while (entries && entries->child) {
        entry = cJSON_DetachItemViaPointer(entries, entries->child);
        cJSON_AddItemToArray(all, entry);
    }
    return entry;
}

static bool has_next(const cJSON *page)
{
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    const cJSON *next_base64 = cJSON_GetObjectItemCaseSensitive(page, "next_base64");
    return cJSON_IsString(next) || cJSON_IsString(next_base64);
}

cJSON *cli_pages_get(const struct cli *cli, const struct cli_pages *pages, enum hive_exit *exit_status)
{
    cJSON *result = cJSON_CreateObject(), *all = cJSON_AddArrayToObject(result, pages->array), *page;
    struct hive_buffer path = {0};
    hive_buffer_append_text(&path, pages->path);
    bool is_done = false;
    while (!is_done && (page = cli_get_json(cli, path.data, exit_status))) {
        struct hive_buffer key = {0};
        const cJSON *last = move_entries(page, pages->array, all);
        is_done = !has_next(page) || !last || !pages->key_of(last, &key);
        hive_buffer_clear(&path);
        hive_buffer_format(&path, "%s&after=", pages->path);
        hive_path_append_bytes(&path, key.data, key.size);
        hive_buffer_finish(&key);
        cJSON_Delete(page);
    }
    hive_buffer_finish(&path);
    if (is_done)
        return result;
    cJSON_Delete(result);
    return NULL;
}

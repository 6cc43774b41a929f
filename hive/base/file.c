/* Files that survive a crash whole: what is replaced is written beside, synced, renamed, and the directory
 * synced. */
#include "hive/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hive/memory.h"
#include "hive/random.h"

/* The usual error: what was tried, on which file, and the system's reason. */
static int failed(struct hive_error *error, const char *what, const char *path)
{
    int code = -errno;
    return hive_error_set(error, code, "cannot %s %s: %s", what, path, strerror(-code));
}

int hive_file_read(const char *path, size_t max_bytes, struct hive_buffer *content, struct hive_error *error)
{
    hive_buffer_clear(content);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return failed(error, "open", path);
    int result = 0;
    ssize_t bytes;
    do {
        size_t chunk = 65536, left = max_bytes - content->size;
        if (chunk > left)
            chunk = left + 1; /* one byte more than allowed tells that there is more */
        bytes = read(file, hive_buffer_reserve(content, chunk), chunk);
        if (bytes > 0)
            content->size += (size_t)bytes;
        else if (bytes < 0 && errno != EINTR)
            result = failed(error, "read", path);
        if (content->size > max_bytes)
            result = hive_error_set(error, -EFBIG, "%s is larger than the %zu bytes that it may have", path,
                                    max_bytes);
    } while (result == 0 && bytes != 0);
    close(file);
    if (result < 0)
        content->size = 0;
    content->data[content->size] = '\0';
    return result;
}

static int write_all(int file, const char *data, size_t bytes)
{
    while (bytes) {
        ssize_t written = write(file, data, bytes);
        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            data += written;
            bytes -= (size_t)written;
        }
    }
    return 0;
}

/* The directory that holds `path`, as a new string. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return hive_strdup(".");
    return hive_memdup(path, slash == path ? 1 : (size_t)(slash - path));
}

int hive_file_write(const char *path, const void *data, size_t bytes, unsigned mode, struct hive_error *error)
{
    char suffix[17];
    hive_random_hex(suffix, sizeof suffix - 1);
    char *temporary = hive_format("%s.%s.tmp", path, suffix);
    char *directory = parent_of(path);
    int result, file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) {
        result = failed(error, "create", temporary);
        goto out;
    }
    bool is_written = write_all(file, data, bytes) == 0 && fsync(file) == 0;
    result = is_written ? 0 : failed(error, "write", temporary);
    if (close(file) < 0 && result == 0)
        result = failed(error, "write", temporary);
    if (result == 0 && rename(temporary, path) < 0)
        result = failed(error, "replace", path);
    if (result < 0)
        unlink(temporary);
    else
        result = hive_file_sync_directory(directory, error);
out:
    free(temporary);
    free(directory);
    return result;
}

int hive_file_make_directories(const char *path, unsigned mode, struct hive_error *error)
{
    char *part = hive_strdup(path);
    size_t length = strlen(path);
    int result = 0;
    for (size_t i = 1; i <= length && result == 0; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, mode) == 0) {
            char *parent = parent_of(part);
            result = hive_file_sync_directory(parent, error);
            free(parent);
        } else if (errno != EEXIST) {
            result = failed(error, "create the directory", part);
        }
        part[i] = path[i];
    }
    free(part);
    struct stat status;
    if (result == 0 && stat(path, &status) < 0)
        result = failed(error, "use the directory", path);
    else if (result == 0 && !S_ISDIR(status.st_mode))
        result = hive_error_set(error, -ENOTDIR, "%s exists and is not a directory", path);
    return result;
}

int hive_file_sync_directory(const char *path, struct hive_error *error)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return failed(error, "open the directory", path);
    int result = fsync(directory) < 0 ? failed(error, "sync the directory", path) : 0;
    close(directory);
    return result;
}

/* Removes what the directory NAME inside of `parent` holds, through descriptors alone: a link that is put in
 * its way meanwhile leads nowhere. 0 or -1 and errno. */
static int empty_directory(int parent, const char *name)
{
    int descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    DIR *directory = fdopendir(descriptor);
    if (!directory) {
        close(descriptor);
        return -1;
    }
    int result = 0;
    const struct dirent *entry;
    while (result == 0 && (errno = 0, entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(descriptor, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM)
            result = -1;
        else if (empty_directory(descriptor, entry->d_name) < 0 ||
                 unlinkat(descriptor, entry->d_name, AT_REMOVEDIR) < 0)
            result = errno == ENOENT ? 0 : -1;
    }
    int saved_errno = errno;
    closedir(directory);
    errno = saved_errno;
    return result < 0 || saved_errno != 0 ? -1 : 0;
}

int hive_file_remove_tree(const char *path, struct hive_error *error)
{
    if (empty_directory(AT_FDCWD, path) < 0 || rmdir(path) < 0)
        return errno == ENOENT ? 0 : failed(error, "remove the directory", path);
    return 0;
}

/* Says who holds the lock, by the pid that the holder wrote into the file. */
static int locked_by_other(int file, const char *path, struct hive_error *error)
{
    char pid[16] = "";
    ssize_t bytes = pread(file, pid, sizeof pid - 1, 0);
    pid[bytes > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    return hive_error_set(error, -EWOULDBLOCK,
                          "%s is locked by process %s: end it first, or choose another place", path,
                          *pid ? pid : "(unknown)");
}

int hive_file_lock(const char *path, struct hive_error *error)
{
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0)
            return failed(error, "open", path);
        int result = 0;
        if (flock(file, LOCK_EX | LOCK_NB) < 0)
            result = errno == EWOULDBLOCK ? locked_by_other(file, path, error) : failed(error, "lock", path);
        if (result < 0) {
            close(file);
            return result;
        }
        /* The file may have been removed, and made anew by somebody else, between open and flock: then this
         * lock is on a file that has no name any more and excludes nobody. */
        struct stat ours, named;
        if (fstat(file, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
            ours.st_dev == named.st_dev) {
            /* Always of the same length, so that nothing has to be cut off first: that is slow on some file
             * systems. */
            char pid[16];
            int bytes = snprintf(pid, sizeof pid, "%-10d\n", (int)getpid());
            if (pwrite(file, pid, (size_t)bytes, 0) != bytes) {
                result = failed(error, "write", path);
                close(file);
                return result;
            }
            return file;
        }
        close(file);
    }
}

char *hive_file_state_directory(struct hive_error *error)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        return hive_format("%s/hive", state);
    if (home && home[0] == '/')
        return hive_format("%s/.local/state/hive", home);
    hive_error_set(error, -ENOENT,
                   "neither $XDG_STATE_HOME nor $HOME is set to an absolute path: set one of them");
    return NULL;
}

/* Preloaded into a process that writes a SQLite file: records, in order, every write, truncation, sync and removal of
   files in a folder, and every line on standard output. A test replays the record up to any moment and drops what had not
   been synced by then, as a power cut may.

   A record: kind (1 byte), length of the path (4), offset (8), length of the bytes (8), path, bytes; native order. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record_fd = -1;
static const char *folder;

__attribute__((constructor)) static void start(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    folder = getenv("POWER_CUT_FOLDER");
    const char *path = getenv("POWER_CUT_RECORD");
    if (folder && path)
        record_fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/* The path behind a descriptor, if it is of interest: 1 with a file in the folder, 2 with standard output. */
static int watched(int fd, char *path) {
    if (record_fd < 0 || fd == record_fd)
        return 0;
    if (fd == 1) {
        path[0] = 0;
        return 2;
    }
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) != 0 || path[prefix] != '/')
        return 0;
    return 1;
}

static void record(char kind, const char *path, uint64_t offset, const void *bytes, uint64_t length) {
    uint32_t path_length = strlen(path);
    size_t total = 21 + path_length + length;
    char *all = malloc(total);
    if (!all)
        abort();
    all[0] = kind;
    memcpy(all + 1, &path_length, 4);
    memcpy(all + 5, &offset, 8);
    memcpy(all + 13, &length, 8);
    memcpy(all + 21, path, path_length);
    if (length)
        memcpy(all + 21 + path_length, bytes, length);
    for (size_t done = 0; done < total;) {
        ssize_t written = real_write(record_fd, all + done, total - done);
        if (written <= 0)
            abort();
        done += written;
    }
    free(all);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    int kind = watched(fd, path);
    if (!kind)
        return real_write(fd, bytes, length);
    pthread_mutex_lock(&lock);
    if (kind == 2)
        record('A', path, 0, bytes, length);
    off_t offset = kind == 1 ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t written = real_write(fd, bytes, length);
    if (kind == 1 && written > 0)
        record('W', path, offset, bytes, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) {
    char path[PATH_MAX];
    if (watched(fd, path) != 1)
        return real_pwrite(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t written = real_pwrite(fd, bytes, length, offset);
    if (written > 0)
        record('W', path, offset, bytes, written);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    return pwrite64(fd, bytes, length, offset);
}

int ftruncate64(int fd, off_t length) {
    char path[PATH_MAX];
    if (watched(fd, path) != 1)
        return real_ftruncate(fd, length);
    pthread_mutex_lock(&lock);
    int result = real_ftruncate(fd, length);
    if (result == 0)
        record('T', path, length, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int fd, off_t length) {
    return ftruncate64(fd, length);
}

static int synced(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    int kind = watched(fd, path);
    if (kind != 1)
        return sync(fd);
    pthread_mutex_lock(&lock);
    int result = sync(fd);
    if (result == 0)
        record('S', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) {
    return synced(fd, real_fsync);
}

int fdatasync(int fd) {
    return synced(fd, real_fdatasync);
}

int unlink(const char *path) {
    pthread_mutex_lock(&lock);
    int result = real_unlink(path);
    if (result == 0 && record_fd >= 0 && strncmp(path, folder, strlen(folder)) == 0)
        record('U', path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

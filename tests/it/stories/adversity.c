/* Preloaded into a process: lets its disk be full and its clock be wrong, as a file says that the test writes.

   The file holds two numbers of 64 bits: whether the disk is full, and by how many seconds the clock is wrong. A full disk
   refuses what makes a file longer whose path contains ADVERSITY_FILES; what has its place already can be overwritten. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    int64_t is_full;
    int64_t seconds;
};

static const volatile struct control *control;
static const char *files;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_posix_fallocate)(int, off_t, off_t);

__attribute__((constructor)) static void start(void) {
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_pwritev = dlsym(RTLD_NEXT, "pwritev64");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_posix_fallocate = dlsym(RTLD_NEXT, "posix_fallocate64");
    files = getenv("ADVERSITY_FILES");
    const char *path = getenv("ADVERSITY_CONTROL");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        control = mapped;
}

/* Whether a file may not become so long. */
static int refused(int fd, off_t end) {
    if (!control || !control->is_full || !files)
        return 0;
    struct stat now;
    if (fstat(fd, &now) != 0 || !S_ISREG(now.st_mode) || end <= now.st_size)
        return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return strstr(path, files) != NULL;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (control && control->is_full) {
        off_t at = lseek(fd, 0, SEEK_CUR);
        if (at >= 0 && refused(fd, at + (off_t)length)) {
            errno = ENOSPC;
            return -1;
        }
    }
    return real_write(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t at) {
    if (refused(fd, at + (off_t)length)) {
        errno = ENOSPC;
        return -1;
    }
    return real_pwrite(fd, bytes, length, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return pwrite64(fd, bytes, length, at); }

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t at) {
    off_t end = at;
    for (int part = 0; part < count; part++)
        end += (off_t)parts[part].iov_len;
    if (refused(fd, end)) {
        errno = ENOSPC;
        return -1;
    }
    return real_pwritev(fd, parts, count, at);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return pwritev64(fd, parts, count, at); }

int ftruncate64(int fd, off_t length) {
    if (refused(fd, length)) {
        errno = ENOSPC;
        return -1;
    }
    return real_ftruncate(fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int posix_fallocate64(int fd, off_t at, off_t length) {
    return refused(fd, at + length) ? ENOSPC : real_posix_fallocate(fd, at, length);
}

int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += control->seconds;
    return (int)failed;
}

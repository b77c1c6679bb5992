/* What xnu says when a volume goes or is taken from a program, said on Linux: preloaded into worker processes.
 *
 * LADING_XNU is a file. While it holds "dead" or "refused", and then a path, all that lies at or below that path is
 * answered so:
 *
 * dead (a forced unmount): ENOENT for paths, ENOTDIR for what is reached through an open folder (vfs_syscalls.c:
 *   nameiat), EBADF for fstat and flushes, EIO for reading and writing (dead_vnops.c), ENOTSUP for what is asked of
 *   the file system (kpi_vfs.c: VFS_GETATTR).
 * refused (privacy settings): EPERM whenever something is opened.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WELL, DEAD, REFUSED };

/* Straight from the kernel: the functions that are replaced here may not be asked. */
static int state(char *root) {
    const char *flag = getenv("LADING_XNU");
    char text[PATH_MAX + 16];
    if (flag == NULL)
        return WELL;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, flag, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return WELL;
    long count = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    text[count < 0 ? 0 : count] = 0;
    char *path = strchr(text, ' ');
    if (path == NULL)
        return WELL;
    *path = 0;
    strcpy(root, path + 1);
    return strcmp(text, "dead") == 0 ? DEAD : REFUSED;
}

static int below(const char *path, const char *root) {
    size_t length = strlen(root);
    return strncmp(path, root, length) == 0 && (path[length] == 0 || path[length] == '/' || path[length] == ' ');
}

/* The state of what an open descriptor leads to. */
static int held(int fd) {
    char root[PATH_MAX + 16], link[64], path[PATH_MAX];
    int now = state(root), kept = errno;
    if (now == WELL)
        return WELL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long count = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = kept;
    if (count < 0)
        return WELL;
    path[count] = 0;
    return below(path, root) ? now : WELL;
}

/* The errno for a name, 0 for none. `opens`: whether it is opened. */
static int named(int folder, const char *name, int opens) {
    char root[PATH_MAX + 16];
    int now;
    if (name[0] == '/') {
        now = state(root);
        if (now == WELL || !below(name, root))
            return 0;
        return now == DEAD ? ENOENT : opens ? EPERM : 0;
    }
    now = folder == AT_FDCWD ? WELL : held(folder);
    return now == DEAD ? ENOTDIR : now == REFUSED && opens ? EPERM : 0;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (real == NULL) \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define REFUSE(code, value) \
    do { \
        int said = (code); \
        if (said) { \
            errno = said; \
            return value; \
        } \
    } while (0)
#define GONE(fd, code) (held(fd) == DEAD ? (code) : 0)

#define OPENAT(symbol) \
    int symbol(int folder, const char *name, int flags, ...) { \
        REAL(int, #symbol, int, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0; \
        va_end(more); \
        REFUSE(named(folder, name, 1), -1); \
        return real(folder, name, flags, mode); \
    }
#define OPEN(symbol) \
    int symbol(const char *name, int flags, ...) { \
        REAL(int, #symbol, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0; \
        va_end(more); \
        REFUSE(named(AT_FDCWD, name, 1), -1); \
        return real(name, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)
OPEN(open)
OPEN(open64)

#define FSTATAT(symbol) \
    int my_##symbol(int folder, const char *name, void *facts, int flags) __asm__(#symbol); \
    int my_##symbol(int folder, const char *name, void *facts, int flags) { \
        REAL(int, #symbol, int, const char *, void *, int); \
        REFUSE(named(folder, name, 0), -1); \
        return real(folder, name, facts, flags); \
    }
#define STAT(symbol) \
    int my_##symbol(const char *name, void *facts) __asm__(#symbol); \
    int my_##symbol(const char *name, void *facts) { \
        REAL(int, #symbol, const char *, void *); \
        REFUSE(named(AT_FDCWD, name, 0), -1); \
        return real(name, facts); \
    }
#define FSTAT(symbol) \
    int my_##symbol(int fd, void *facts) __asm__(#symbol); \
    int my_##symbol(int fd, void *facts) { \
        REAL(int, #symbol, int, void *); \
        REFUSE(GONE(fd, EBADF), -1); \
        return real(fd, facts); \
    }
FSTATAT(fstatat)
FSTATAT(fstatat64)
STAT(stat)
STAT(stat64)
STAT(lstat)
STAT(lstat64)
FSTAT(fstat)
FSTAT(fstat64)

int mkdirat(int folder, const char *name, mode_t mode) {
    REAL(int, "mkdirat", int, const char *, mode_t);
    REFUSE(named(folder, name, 1), -1);
    return real(folder, name, mode);
}

int unlinkat(int folder, const char *name, int flags) {
    REAL(int, "unlinkat", int, const char *, int);
    REFUSE(named(folder, name, 1), -1);
    return real(folder, name, flags);
}

int renameat(int from, const char *name, int to, const char *target) {
    REAL(int, "renameat", int, const char *, int, const char *);
    REFUSE(named(from, name, 1), -1);
    return real(from, name, to, target);
}

int renameat2(int from, const char *name, int to, const char *target, unsigned flags) {
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
    REFUSE(named(from, name, 1), -1);
    return real(from, name, to, target, flags);
}

int linkat(int from, const char *name, int to, const char *target, int flags) {
    REAL(int, "linkat", int, const char *, int, const char *, int);
    REFUSE(named(from, name, 1), -1);
    return real(from, name, to, target, flags);
}

DIR *fdopendir(int fd) {
    REAL(DIR *, "fdopendir", int);
    REFUSE(GONE(fd, EBADF), NULL);
    return real(fd);
}

#define FSTATVFS(symbol) \
    int my_##symbol(int fd, void *room) __asm__(#symbol); \
    int my_##symbol(int fd, void *room) { \
        REAL(int, #symbol, int, void *); \
        REFUSE(GONE(fd, ENOTSUP), -1); \
        return real(fd, room); \
    }
FSTATVFS(fstatvfs)
FSTATVFS(fstatvfs64)

#define FLUSH(symbol) \
    int symbol(int fd) { \
        REAL(int, #symbol, int); \
        REFUSE(GONE(fd, EBADF), -1); \
        return real(fd); \
    }
FLUSH(fsync)
FLUSH(fdatasync)
FLUSH(syncfs)

ssize_t write(int fd, const void *data, size_t count) {
    REAL(ssize_t, "write", int, const void *, size_t);
    REFUSE(GONE(fd, EIO), -1);
    return real(fd, data, count);
}

ssize_t pread64(int fd, void *data, size_t count, off64_t offset) {
    REAL(ssize_t, "pread64", int, void *, size_t, off64_t);
    REFUSE(GONE(fd, EIO), -1);
    return real(fd, data, count, offset);
}

#define PREADV(symbol) \
    ssize_t symbol(int fd, const struct iovec *parts, int count, off64_t offset) { \
        REAL(ssize_t, #symbol, int, const struct iovec *, int, off64_t); \
        REFUSE(GONE(fd, EIO), -1); \
        return real(fd, parts, count, offset); \
    }
#define PREADV2(symbol) \
    ssize_t symbol(int fd, const struct iovec *parts, int count, off64_t offset, int flags) { \
        REAL(ssize_t, #symbol, int, const struct iovec *, int, off64_t, int); \
        REFUSE(GONE(fd, EIO), -1); \
        return real(fd, parts, count, offset, flags); \
    }
PREADV(preadv)
PREADV(preadv64)
PREADV2(preadv2)
PREADV2(preadv64v2)

/* Every function of WASI that libc and CPython call, inside the module: a guest has no file, no socket, no environment, no
   clock and no entropy but the host's, and so no import of WASI. */
#include "guest.h"
#include <string.h>
#include <wasi/api.h>

#define WASI(name) __imported_wasi_snapshot_preview1_##name

enum { NO_FILE = __WASI_ERRNO_BADF, NOT_FOUND = __WASI_ERRNO_NOENT, REFUSED = __WASI_ERRNO_NOTSUP };

int32_t WASI(args_get)(int32_t list, int32_t text)
{
    (void)list, (void)text;
    return 0;
}

int32_t WASI(args_sizes_get)(uint32_t *count, uint32_t *size)
{
    *count = *size = 0;
    return 0;
}

int32_t WASI(environ_get)(int32_t list, int32_t text)
{
    (void)list, (void)text;
    return 0;
}

int32_t WASI(environ_sizes_get)(uint32_t *count, uint32_t *size)
{
    *count = *size = 0;
    return 0;
}

/* While the snapshot is made, time stands still and entropy is a constant: two builds give the same bytes. */
static int64_t now(void)
{
    return started ? host_now() : 0;
}

int32_t WASI(clock_res_get)(int32_t clock, int64_t *resolution)
{
    (void)clock;
    *resolution = 1000000;
    return 0;
}

int32_t WASI(clock_time_get)(int32_t clock, int64_t precision, int64_t *time)
{
    (void)clock, (void)precision;
    *time = now();
    return 0;
}

int32_t WASI(random_get)(void *into, uint32_t len)
{
    /* The host gives at most 64 KiB at once. */
    enum { MOST = 1 << 16 };
    char *at = into;
    if (!started)
        memset(at, 0x5a, len);
    for (uint32_t part; started && len; at += part, len -= part) {
        part = len < MOST ? len : MOST;
        host_random(at, part);
    }
    return 0;
}

/* Only ever a wait for a time: there is nothing else to wait for. */
int32_t WASI(poll_oneoff)(const __wasi_subscription_t *wanted, __wasi_event_t *events, int32_t count, uint32_t *happened)
{
    *happened = 0;
    if (!started || count != 1 || wanted->u.tag != __WASI_EVENTTYPE_CLOCK)
        return REFUSED;
    const __wasi_subscription_clock_t *clock = &wanted->u.u.clock;
    bool absolute = clock->flags & __WASI_SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME;
    int64_t left = (int64_t)clock->timeout - (absolute ? now() : 0);
    if (left > 0)
        host_sleep(left);
    memset(events, 0, sizeof *events);
    events->userdata = wanted->userdata;
    events->type = __WASI_EVENTTYPE_CLOCK;
    *happened = 1;
    return 0;
}

int32_t WASI(sched_yield)(void)
{
    return 0;
}

_Noreturn void WASI(proc_exit)(int32_t status)
{
    (void)status;
    __builtin_trap();
}

/* CPython writes to the file descriptors only when it dies; its last words are worth telling. */
int32_t WASI(fd_write)(int32_t file, const __wasi_ciovec_t *parts, int32_t count, uint32_t *written)
{
    if (file != 1 && file != 2)
        return NO_FILE;
    *written = 0;
    for (int32_t i = 0; i < count; i++) {
        if (started && parts[i].buf_len)
            host_write(file, (const char *)parts[i].buf, parts[i].buf_len);
        *written += parts[i].buf_len;
    }
    return 0;
}

#define REFUSE(name, error, ...) \
    int32_t WASI(name)(__VA_ARGS__) \
    { \
        return error; \
    }
#define I int32_t
#define L int64_t
#pragma clang diagnostic ignored "-Wunused-parameter"
REFUSE(proc_raise, REFUSED, I a)
REFUSE(fd_read, NO_FILE, I a, I b, I c, I d)
REFUSE(fd_pread, NO_FILE, I a, I b, I c, L d, I e)
REFUSE(fd_pwrite, NO_FILE, I a, I b, I c, L d, I e)
REFUSE(fd_close, NO_FILE, I a)
REFUSE(fd_seek, NO_FILE, I a, L b, I c, I d)
REFUSE(fd_tell, NO_FILE, I a, I b)
REFUSE(fd_fdstat_get, NO_FILE, I a, I b)
REFUSE(fd_fdstat_set_flags, NO_FILE, I a, I b)
REFUSE(fd_fdstat_set_rights, NO_FILE, I a, L b, L c)
REFUSE(fd_filestat_get, NO_FILE, I a, I b)
REFUSE(fd_filestat_set_size, NO_FILE, I a, L b)
REFUSE(fd_filestat_set_times, NO_FILE, I a, L b, L c, I d)
REFUSE(fd_prestat_get, NO_FILE, I a, I b)
REFUSE(fd_prestat_dir_name, NO_FILE, I a, I b, I c)
REFUSE(fd_readdir, NO_FILE, I a, I b, I c, L d, I e)
REFUSE(fd_renumber, NO_FILE, I a, I b)
REFUSE(fd_sync, NO_FILE, I a)
REFUSE(fd_datasync, NO_FILE, I a)
REFUSE(fd_advise, NO_FILE, I a, L b, L c, I d)
REFUSE(fd_allocate, NO_FILE, I a, L b, L c)
REFUSE(path_open, NOT_FOUND, I a, I b, I c, I d, I e, L f, L g, I h, I i)
REFUSE(path_create_directory, REFUSED, I a, I b, I c)
REFUSE(path_filestat_get, NOT_FOUND, I a, I b, I c, I d, I e)
REFUSE(path_filestat_set_times, REFUSED, I a, I b, I c, I d, L e, L f, I g)
REFUSE(path_link, REFUSED, I a, I b, I c, I d, I e, I f, I g)
REFUSE(path_readlink, NOT_FOUND, I a, I b, I c, I d, I e, I f)
REFUSE(path_remove_directory, NOT_FOUND, I a, I b, I c)
REFUSE(path_rename, NOT_FOUND, I a, I b, I c, I d, I e, I f)
REFUSE(path_symlink, REFUSED, I a, I b, I c, I d, I e)
REFUSE(path_unlink_file, NOT_FOUND, I a, I b, I c)
REFUSE(sock_accept, NO_FILE, I a, I b, I c)
REFUSE(sock_recv, NO_FILE, I a, I b, I c, I d, I e, I f)
REFUSE(sock_send, NO_FILE, I a, I b, I c, I d, I e)
REFUSE(sock_shutdown, NO_FILE, I a, I b)

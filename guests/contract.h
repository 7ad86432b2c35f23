/* What every guest shares with the host, in C: `CONTRACT.md` says what it means. */
#ifndef CONDUIT_CONTRACT_H
#define CONDUIT_CONTRACT_H

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("conduit"), import_name(name)))

IMPORT("submit")
int64_t host_submit(int32_t kind, const char *name, uint32_t name_len, const char *args, uint32_t args_len);
IMPORT("write") void host_write(int32_t stream, const char *text, uint32_t len);
IMPORT("now") int64_t host_now(void);
IMPORT("random") void host_random(void *into, uint32_t len);
IMPORT("sleep") void host_sleep(int64_t ns);

enum StepTag { WAITING = 0, DONE = 1, FAILED = 2 };

typedef struct Step {
    uint32_t tag;
    const char *text;
    uint32_t len;
    uint32_t zero;
    int64_t wake_at;
} Step;
_Static_assert(sizeof(Step) == 24, "the contract's Step");

#endif

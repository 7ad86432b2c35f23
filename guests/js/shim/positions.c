/* From a position in the compiled program to the one in the program as it was written.
   The mappings are decoded when the first stack is formatted, never in a run that formats none. */
#include <string.h>
#include "guest.h"

typedef struct Mapping {
    uint32_t line, column; /* compiled, both from 0, the column in UTF-16 units */
    uint32_t source_line, source_column;
    bool has_source;
} Mapping;

static Mapping *mappings;
static uint32_t count;
static bool decoded;

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Reads one base64 VLQ; false at a separator or at anything malformed. */
static bool read_vlq(const char **at, const char *end, int32_t *into)
{
    uint32_t value = 0;
    for (int shift = 0; *at < end && shift < 32; shift += 5) {
        int digit = digit_of(**at);
        if (digit < 0)
            return false;
        (*at)++;
        value |= (uint32_t)(digit & 31) << shift;
        if (!(digit & 32)) {
            *into = value & 1 ? -(int32_t)(value >> 1) : (int32_t)(value >> 1);
            return true;
        }
    }
    return false;
}

static void decode(void)
{
    decoded = true;
    const char *at = program_mappings.text, *end = at + program_mappings.len;
    uint32_t room = 1;
    for (const char *c = at; c < end; c++)
        room += *c == ',' || *c == ';';
    mappings = program_mappings.len ? js_malloc(ctx, room * sizeof(Mapping)) : NULL;
    if (!mappings) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return;
    }
    uint32_t line = 0, column = 0, source_line = 0, source_column = 0;
    while (at < end) {
        if (*at == ';') {
            line++;
            column = 0;
            at++;
            continue;
        }
        int32_t step, source, source_line_step, source_column_step;
        if (*at == ',' || !read_vlq(&at, end, &step)) {
            at++;
            continue;
        }
        column += step;
        Mapping mapping = {.line = line, .column = column};
        if (read_vlq(&at, end, &source) && read_vlq(&at, end, &source_line_step) &&
            read_vlq(&at, end, &source_column_step)) {
            mapping.source_line = source_line += source_line_step;
            mapping.source_column = source_column += source_column_step;
            mapping.has_source = true;
        }
        mappings[count++] = mapping;
        while (at < end && *at != ',' && *at != ';')
            at++;
    }
}

/* The program's text from a position on; its end for one beyond. */
const char *program_at(uint32_t line, uint32_t byte_column)
{
    const char *at = program_source.text, *end = at + program_source.len;
    for (; line > 1 && at < end; line--) {
        const char *newline = memchr(at, '\n', end - at);
        at = newline ? newline + 1 : end;
    }
    return byte_column && byte_column - 1 < (size_t)(end - at) ? at + byte_column - 1 : end;
}

/* Source maps count UTF-16 units from 0. */
static uint32_t utf16_column(uint32_t line, uint32_t byte_column)
{
    const char *at = program_at(line, 1), *end = program_at(line, byte_column);
    uint32_t column = 0;
    for (; at < end; at++) {
        uint8_t byte = (uint8_t)*at;
        if ((byte & 0xc0) != 0x80)
            column += byte >= 0xf0 ? 2 : 1;
    }
    return column;
}

bool position_of(uint32_t line, uint32_t byte_column, uint32_t *into_line, uint32_t *into_column)
{
    if (!decoded)
        decode();
    uint32_t column = utf16_column(line, byte_column);
    if (!program_mappings.len) {
        *into_line = line;
        *into_column = column + 1;
        return true;
    }
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const Mapping *m = &mappings[middle];
        if (m->line < line - 1 || (m->line == line - 1 && m->column <= column))
            low = middle + 1;
        else
            high = middle;
    }
    const Mapping *found = low ? &mappings[low - 1] : NULL;
    if (!found || found->line != line - 1 || !found->has_source)
        return false;
    *into_line = found->source_line + 1;
    *into_column = found->source_column + 1;
    return true;
}

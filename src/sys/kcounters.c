#include "sys/kcounters.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kernel has some 200 of them; more than this is not a kernel's file. */
#define COUNTERS_MAX 1024

#define BLANKS " \t\n"

/* Figures that go up and down: their difference says nothing. */
static const char *const gauges[] = {
    "TcpCurrEstab", "TcpRtoAlgorithm", "TcpRtoMin", "TcpRtoMax", "TcpMaxConn",
};

static struct tsp_kcounter *find(const struct tsp_kcounters *k, const char *name)
{
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->item[i].name, name) == 0)
            return &k->item[i];
    return NULL;
}

/* Adds value to the counter group + name, which is made when it is new.
 * Names that are too long are not counters. */
static int add(struct tsp_kcounters *k, const char *group, const char *name, uint64_t value)
{
    char full[TSP_KCOUNTER_NAME];
    int len = snprintf(full, sizeof full, "%s%s", group, name);
    if (len < 0 || (size_t)len >= sizeof full)
        return 0;
    struct tsp_kcounter *c = find(k, full);
    if (c) {
        c->value = (int64_t)((uint64_t)c->value + value);
        return 0;
    }
    if (k->count == COUNTERS_MAX)
        return 0;
    if (k->count == k->room) {
        size_t room = k->room ? k->room * 2 : 128;
        struct tsp_kcounter *item = reallocarray(k->item, room, sizeof *item);
        if (!item)
            return -ENOMEM;
        k->item = item;
        k->room = room;
    }
    c = &k->item[k->count++];
    memcpy(c->name, full, (size_t)len + 1);
    c->value = (int64_t)value;
    return 0;
}

/* A line of names and the line of values below it, each "Group: word word …". */
static int add_pair(struct tsp_kcounters *k, char *names, char *values)
{
    char *next_name, *next_value;
    char *group = strtok_r(names, BLANKS, &next_name);
    char *same = strtok_r(values, BLANKS, &next_value);
    if (!group || !same || strcmp(group, same) != 0)
        return 0;
    if (strcmp(group, "Tcp:") != 0 && strcmp(group, "TcpExt:") != 0)
        return 0;
    group[strlen(group) - 1] = '\0';
    for (;;) {
        const char *name = strtok_r(NULL, BLANKS, &next_name);
        const char *value = strtok_r(NULL, BLANKS, &next_value);
        if (!name || !value)
            return 0;
        int rc = add(k, group, name, (uint64_t)strtoll(value, NULL, 10));
        if (rc)
            return rc;
    }
}

/* net/snmp and net/netstat: pairs of lines. */
static int read_pairs(struct tsp_kcounters *k, FILE *f)
{
    char *names = NULL, *values = NULL;
    size_t names_room = 0, values_room = 0;
    int rc = 0;
    while (rc == 0 && getline(&names, &names_room, f) > 0 && getline(&values, &values_room, f) > 0)
        rc = add_pair(k, names, values);
    free(names);
    free(values);
    return rc;
}

/* "insert_failed" -> "InsertFailed". Never longer than name. */
static void camel_case(char *out, const char *name)
{
    bool start = true;
    for (; *name; name++) {
        if (*name != '_')
            *out++ = (char)(start ? toupper((unsigned char)*name) : *name);
        start = *name == '_';
    }
    *out = '\0';
}

/* One CPU's line of net/stat/nf_conntrack below its headings. */
static int add_conntrack_row(struct tsp_kcounters *k, const char *headings, char *row)
{
    char *next_value, name[TSP_KCOUNTER_NAME];
    const char *value = strtok_r(row, BLANKS, &next_value);
    for (; value; value = strtok_r(NULL, BLANKS, &next_value)) {
        headings += strspn(headings, BLANKS);
        size_t len = strcspn(headings, BLANKS);
        if (len == 0)
            return 0;
        const char *heading = headings;
        headings += len;
        if (len >= sizeof name || (len == 7 && memcmp(heading, "entries", len) == 0))
            continue; /* entries: a gauge, and the same figure in every row */
        char word[TSP_KCOUNTER_NAME];
        memcpy(word, heading, len);
        word[len] = '\0';
        camel_case(name, word);
        int rc = add(k, "Conntrack", name, strtoull(value, NULL, 16));
        if (rc)
            return rc;
    }
    return 0;
}

static int read_conntrack(struct tsp_kcounters *k, FILE *f)
{
    char *headings = NULL, *row = NULL;
    size_t headings_room = 0, row_room = 0;
    int rc = 0;
    if (getline(&headings, &headings_room, f) > 0)
        while (rc == 0 && getline(&row, &row_room, f) > 0)
            rc = add_conntrack_row(k, headings, row);
    free(headings);
    free(row);
    return rc;
}

int tsp_kcounters_read(struct tsp_kcounters *k, const char *proc)
{
    static const struct {
        const char *name;
        int (*read)(struct tsp_kcounters *k, FILE *f);
    } files[] = {
        {"net/snmp", read_pairs},
        {"net/netstat", read_pairs},
        {"net/stat/nf_conntrack", read_conntrack},
    };
    *k = (struct tsp_kcounters){0};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", proc, files[i].name);
        FILE *f = fopen(path, "re");
        if (!f)
            continue;
        size_t others = k->count;
        int rc = files[i].read(k, f);
        bool whole = feof(f) && !ferror(f);
        fclose(f);
        if (rc) {
            tsp_kcounters_clear(k);
            return rc;
        }
        if (!whole)
            k->count = others; /* half a sum, or half a number, is no figure */
    }
    return 0;
}

static bool is_gauge(const char *name)
{
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        if (strcmp(gauges[i], name) == 0)
            return true;
    return false;
}

int tsp_kcounters_diff(struct tsp_kcounters *out, const struct tsp_kcounters *after,
                       const struct tsp_kcounters *before)
{
    *out = (struct tsp_kcounters){0};
    for (size_t i = 0; i < after->count; i++) {
        const struct tsp_kcounter *c = &after->item[i], *was = find(before, c->name);
        uint64_t moved = was ? (uint64_t)c->value - (uint64_t)was->value : 0;
        if (moved == 0 || is_gauge(c->name))
            continue;
        int rc = add(out, "", c->name, moved);
        if (rc) {
            tsp_kcounters_clear(out);
            return rc;
        }
    }
    return 0;
}

int64_t tsp_kcounters_get(const struct tsp_kcounters *k, const char *name)
{
    const struct tsp_kcounter *c = find(k, name);
    return c ? c->value : 0;
}

void tsp_kcounters_clear(struct tsp_kcounters *k)
{
    free(k->item);
    *k = (struct tsp_kcounters){0};
}

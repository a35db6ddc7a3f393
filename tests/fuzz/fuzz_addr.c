/* Property: a text is a bounded list of addresses of which each, shown as text,
 * reads back as itself; or it is refused with a sentence and adds nothing.
 */
#include "net/addr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(bool property)
{
    if (!property)
        abort();
}

static void reads_back(const struct tsp_addr *a)
{
    char host[TSP_ADDR_TEXT], text[TSP_ADDR_TEXT];
    struct tsp_addr back;
    must_hold(tsp_addr_resolve(&back, tsp_addr_host_text(host, a), AF_UNSPEC, NULL) == 0);
    must_hold(tsp_addr_same_host(a, &back));
    must_hold(strstr(tsp_addr_text(text, a), host) != NULL);
}

static void check_list(const char *text)
{
    struct tsp_addrs list = {0};
    struct tsp_err err = {0};
    int rc = tsp_addrs_parse(&list, text, &err);
    if (rc == 0) {
        must_hold(list.count >= 1 && list.count <= TSP_ADDRS_MAX);
        reads_back(&list.item[0]);
        reads_back(&list.item[list.count - 1]);
    } else {
        must_hold(list.count == 0 && err.code == -rc && err.msg[0]);
    }
    tsp_addrs_clear(&list);
}

/* Names would go to the resolver, which is not ours to test. */
static bool is_no_name(const char *text)
{
    return strpbrk(text, ":/[]") || strspn(text, "0123456789.") == strlen(text);
}

static void check_host(const char *text)
{
    struct tsp_addr a;
    struct tsp_err err = {0};
    if (!is_no_name(text))
        return;
    int rc = tsp_addr_resolve(&a, text, AF_UNSPEC, &err);
    if (rc == 0)
        reads_back(&a);
    else
        must_hold(err.code == -rc && err.msg[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    check_list(text);
    check_host(text);
    free(text);
    return 0;
}

/* conn_list.h - a worker's lists of connections, oldest first; O(1) to leave. */
#ifndef TSP_CLIENT_CONN_LIST_H
#define TSP_CLIENT_CONN_LIST_H

#include <stddef.h>

#include "client/conn.h"

struct tsp_conn_list {
    struct tsp_conn *first, *last;
    size_t link; /* offset of the list's link in a connection */
};

void tsp_conn_list_append(struct tsp_conn_list *list, struct tsp_conn *c);
void tsp_conn_list_remove(struct tsp_conn_list *list, struct tsp_conn *c); /* it is in it */

#endif

#include "client/conn_list.h"

static struct tsp_conn_link *link_of(const struct tsp_conn_list *list, struct tsp_conn *c)
{
    return (struct tsp_conn_link *)((char *)c + list->link);
}

void tsp_conn_list_append(struct tsp_conn_list *list, struct tsp_conn *c)
{
    *link_of(list, c) = (struct tsp_conn_link){.prev = list->last};
    if (list->last)
        link_of(list, list->last)->next = c;
    else
        list->first = c;
    list->last = c;
}

void tsp_conn_list_remove(struct tsp_conn_list *list, struct tsp_conn *c)
{
    struct tsp_conn_link *link = link_of(list, c);
    if (link->prev)
        link_of(list, link->prev)->next = link->next;
    else
        list->first = link->next;
    if (link->next)
        link_of(list, link->next)->prev = link->prev;
    else
        list->last = link->prev;
}

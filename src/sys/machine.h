/* machine.h - which machine this is, for the record of a measurement. */
#ifndef TSP_SYS_MACHINE_H
#define TSP_SYS_MACHINE_H

#include <stdint.h>

#define TSP_MACHINE_TEXT 208 /* three of uname's fields */

struct tsp_machine {
    char host[TSP_MACHINE_TEXT];   /* its node name */
    char kernel[TSP_MACHINE_TEXT]; /* "Linux 6.1.0-13-amd64 x86_64" */
    int64_t cpus;                  /* this process may run on */
};

void tsp_machine_read(struct tsp_machine *m);

#endif

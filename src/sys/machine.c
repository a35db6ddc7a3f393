#include "sys/machine.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "sys/limits.h"

void tsp_machine_read(struct tsp_machine *m)
{
    struct tsp_limits limits;
    struct utsname u = {0};
    (void)uname(&u); /* it fails for a bad pointer only */
    snprintf(m->host, sizeof m->host, "%s", u.nodename);
    snprintf(m->kernel, sizeof m->kernel, "%s %s %s", u.sysname, u.release, u.machine);
    tsp_limits_read(&limits, "/proc");
    m->cpus = limits.cpus;
}

#include "sys/preflight.h"

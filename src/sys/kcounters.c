#include "sys/kcounters.h"

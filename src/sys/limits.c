#include "sys/limits.h"

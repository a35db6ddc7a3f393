#include "sys/usage.h"

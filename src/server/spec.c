#include "server/spec.h"

#include "net/pacer.h"

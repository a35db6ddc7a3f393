#include "net/exchange.h"

#include "bind/lua_fields.h"

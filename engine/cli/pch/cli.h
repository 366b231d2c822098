// admin/pch/admin.h, and the parser of command lines.
#include <CLI/CLI.hpp>

#include "admin/pch/admin.h"

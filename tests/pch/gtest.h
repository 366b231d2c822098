// base/pch/std.h for test programs.
#include <gtest/gtest.h>

#include "base/pch/std.h"

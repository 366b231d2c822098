// base/pch/std.h, and what most files of this folder include of other libraries.
#include <fmt/format.h>

#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/pch/std.h"

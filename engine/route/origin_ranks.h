#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/route/directory.h"

namespace sluice {}

#pragma once

#include <string>
#include <string_view>

#include "base/log.h"

namespace sluice {

// TextSink - keeps what was logged.
class TextSink final : public LogSink {
 public:
  void write(std::string_view line) noexcept override { text.append(line); }
  std::string text;
};

}  // namespace sluice

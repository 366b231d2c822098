#pragma once

#include <cstdint>
#include <string>

#include "tools/mock/answer.h"

namespace sluice {

// HeadPlan - what the head says of the body and the connection.
struct HeadPlan {
  WireFraming framing = WireFraming::kLength;
  std::uint64_t content_length = 0;
  bool bodiless = false;  // 204 and 304
  bool close = false;
  std::int64_t unix_s = 0;
};

// The status line and the fields with the blank line; malformed in the way that is asked for.
[[nodiscard]] std::string answer_head(const MockAnswer& answer, const Behaviour& behaviour,
                                      const HeadPlan& plan);

// A whole 1xx answer.
[[nodiscard]] std::string informational_head(int status);

}  // namespace sluice

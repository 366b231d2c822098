#pragma once

#include "parser/http1_response.h"

namespace sluice {

// ParseResponse - the step that collect_head() takes for a provider's answer.
struct ParseResponse {
  ResponseHeadParser parser;
  ResponseHead* head;
  bool head_request;  // the answer to a HEAD, which has no body
  HeadState operator()(std::string_view bytes, Refusal& refusal, std::size_t& head_bytes) {
    const HeadState state = parser.parse(bytes, head_request, *head, refusal);
    head_bytes = head->bytes;
    return state;
  }
};

inline constexpr int kInterimMax = 10;  // interim answers before one: P1

}  // namespace sluice

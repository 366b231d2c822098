#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/mock/behaviour.h"
#include "tools/mock/request.h"
#include "tools/mock/script.h"

namespace sluice {

// MockEvent - one event of a stream as it goes over the wire, blank line included.
struct MockEvent {
  enum class Role : std::uint8_t { kContent, kFinish, kDone };
  std::string text;
  Role role = Role::kContent;
};

// MockAnswer - what is answered, before anything is said about framing and faults.
struct MockAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<MockField> fields;
  std::string body;               // when it is no stream
  std::vector<MockEvent> events;  // when it is one
  bool stream = false;
};

// The answer to `request`; `unix_us` is the present, for "created" and dates.
[[nodiscard]] MockAnswer build_answer(const MockRequest& request, const Behaviour& behaviour,
                                      const MockScript& script, std::int64_t unix_us);

// The error in the dialect of `endpoint`, with the statuses' usual type and code where `head` names
// none.
[[nodiscard]] std::string error_body(MockEndpoint endpoint, const HeadBehaviour& head);

}  // namespace sluice

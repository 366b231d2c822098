#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/mock/answer.h"
#include "tools/mock/behaviour.h"

namespace sluice {

// WireStep - bytes for one send of their own, after a pause.
struct WireStep {
  Duration pause{0};  // since the step before was due
  std::string bytes;
  bool head_done = false;    // with it, the answer's head is out
  bool answer_done = false;  // with it, the framing's end is out
};

enum class WireEnd : std::uint8_t {
  kKeep,   // the connection goes on
  kClose,  // closes as HTTP/1.1 asks for: half-close, drain, close
  kCut,    // FIN without a goodbye of TLS
  kReset,  // RST
};

// WirePlan - an answer as bytes and pauses. Made by a pure function, so that every fault can be
// tested without a socket.
struct WirePlan {
  std::vector<WireStep> steps;
  WireEnd end = WireEnd::kKeep;
  int status = 0;  // of the head, for the ledger
};

// What of the request decides the framing.
struct WireRequest {
  bool head_request = false;
  int minor_version = 1;
  bool close = false;  // the connection ends after this answer
};

[[nodiscard]] WirePlan plan_answer(const MockAnswer& answer, const Behaviour& behaviour,
                                   const WireRequest& request, std::int64_t unix_s);

}  // namespace sluice

#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "engine/proxy/exchange.h"
#include "parser/http1_common.h"

namespace sluice {

// Answer - an answer of the gateway's own: an error in the OpenAI shape (docs/WIRE.md), or a JSON
// document.
struct Answer {
  std::uint16_t status = 0;  // 0: nobody is there to be answered
  std::string_view type{};
  std::string_view code{};   // "": null
  std::string_view param{};  // "": null
  std::string_view message{};
  std::string_view document{};  // a JSON text to send instead of an error
  std::string_view allow{};     // for 405
  std::optional<Duration> retry_after{};
  bool never_retry = false;   // x-should-retry: false: a retry might be paid twice
  bool close = false;         // what follows on the connection cannot be trusted
  bool authenticate = false;  // WWW-Authenticate, for 401
};

// What a step of serving a request gives: a value, or the answer that ends the exchange.
template <class T>
using OrAnswer = std::expected<T, Answer>;
// The same of a coroutine: frames hold many results, and few of them are answers, so these lie in
// the exchange's arena.
using Served = std::expected<void, const Answer*>;
[[nodiscard]] std::unexpected<const Answer*> refuse(Exchange& exchange, const Answer& answer);

// The client has gone or its connection broke: there is nobody to answer.
[[nodiscard]] std::unexpected<const Answer*> nobody() noexcept;
// A head or body that breaks a rule: the parser's refusal as an answer.
[[nodiscard]] Answer answer_refusal(const Refusal& refusal);
[[nodiscard]] Answer bad_request(std::string_view message, std::string_view param = {});
[[nodiscard]] Answer too_large(std::string_view message);
// The gateway itself lacks what the request needs: descriptors, memory. 503, to be tried again.
[[nodiscard]] Answer overloaded(std::string_view message);
[[nodiscard]] Answer not_found(std::string_view code, std::string_view message);

// An error as an event of a stream: in the words of the client's API. What a head would have told,
// the status and Retry-After, stands in it too, where `answer` has them.
[[nodiscard]] std::string_view error_event(Exchange& exchange, const Answer& answer);

// Sends `answer` (unless its status is 0) and settles what becomes of the connection.
Task<void> send_answer(Shard& shard, Exchange& exchange, const Answer& answer);

}  // namespace sluice

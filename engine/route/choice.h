#pragma once

#include <cstdint>
#include <string_view>

#include "engine/route/permit.h"
#include "engine/route/priority.h"
#include "engine/route/tried_marks.h"

namespace sluice {

class DecisionLooks;

// Seeker - what a request asks of the accounts.
//
// Lifetime  that of the request; `model` and its directory live longer.
struct Seeker {
  std::string_view model;
  Priority priority = Priority::kNormal;
  Demand demand = {};
  std::uint64_t origin = 0;  // affinity.h; 0: any account is as good
  TriedMarks tried;
  std::uint64_t arrival = 0;  // the wait queue's: its place among all that ever waited; 0: none
  DecisionLooks* looks = nullptr;  // what is kept of its decisions; null: nothing
};

// How far down the ladder a request has come.
enum class Rung : std::uint8_t {
  kPrimary,
  kFallback,
  kEmergency,
  kPatience,  // nothing is free on any rung: whatever comes first within the wait limit
  kNone,
};

// What x-sluice-degraded says of an answer from that rung; "" on the first.
[[nodiscard]] constexpr std::string_view degraded_text(Rung rung) noexcept {
  switch (rung) {
    case Rung::kFallback: return "fallback";
    case Rung::kEmergency: return "emergency";
    default: return "";
  }
}

// Choice - the ladder's next step.
struct Choice {
  enum class Kind : std::uint8_t { kTry, kWait, kUnknownModel, kExhausted };
  enum class Why : std::uint8_t { kNothingFree, kQueueFull, kQueueTimeout };

  Kind kind = Kind::kExhausted;
  Rung rung = Rung::kPrimary;     // kTry: below kPrimary is what x-sluice-degraded tells
  Pool pool = Pool::kPrimary;     // kTry: the account's; kWait: the one to wait for
  Permit permit;                  // kTry: held
  std::uint32_t position = 0;     // kTry: of the account in its route
  std::string_view native_model;  // kTry: a view into the directory or into the seeker's model
  Instant give_up_at = kNever;    // kWait: no longer than this
  bool only_if_soon = false;      // kWait: not at all if its turn is not expected before that
  Why why = Why::kNothingFree;    // kExhausted
  // kExhausted: the earliest instant at which an account that maps the model will have a permit and
  // not be cooling, `now` if that is so of one which this request has tried; kNever when all are in
  // error or disabled.
  Instant retry_at{};
};

}  // namespace sluice

#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/route/ladder.h"
#include "parser/http1_response.h"
#include "store/journal/journal_writer.h"
#include "store/usage_event.h"

namespace sluice {

// HeldUsage - the end of a trial on its way into the usage journal, until it is known whether the
// trial's answer becomes the client's.
//
// Lifetime  within the exchange, which has what the event's texts refer to.
class HeldUsage {
 public:
  HeldUsage() = default;
  ~HeldUsage() { book(); }
  HeldUsage(const HeldUsage&) = delete;
  HeldUsage& operator=(const HeldUsage&) = delete;

  // `started_as` as JournalWriter::start() gave it. What was held before is booked.
  void hold(JournalWriter& journal, const UsageEvent& event, std::uint64_t started_as) noexcept {
    book();
    journal_ = &journal;
    event_ = event;
    started_as_ = started_as;
  }
  // The end, with `flags` too. False: nothing is held.
  bool book(unsigned flags = 0) noexcept {
    if (started_as_ == 0) return false;
    event_.flags = static_cast<std::uint16_t>(event_.flags | flags);
    journal_->end(event_, std::exchange(started_as_, 0));
    return true;
  }

 private:
  JournalWriter* journal_ = nullptr;
  UsageEvent event_;
  std::uint64_t started_as_ = 0;  // 0: nothing is held
};

// HeldAnswer - a provider's whole error answer that was not relayed because another account may do
// better. The last one is what the client gets when no account is left.
struct HeldAnswer {
  const Account* account = nullptr;
  Rung rung = Rung::kPrimary;
  const ResponseHead* head = nullptr;  // null: there is none
  std::string_view body;
  HeldUsage usage;
};

}  // namespace sluice

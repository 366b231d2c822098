#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/assert.h"
#include "base/log.h"
#include "store/journal/usage_sink.h"

namespace sluice {

// EventBatch - copies of what a journal hands out, until it is booked.
//
// Owns      the copies, and memory for kEvents of them at their longest.
// Limits    kToldMax losses are remembered, so that reading again tells nothing twice.
// Affinity  the store's thread.
class EventBatch final : public UsageSink {
 public:
  // What is booked in one transaction: big enough that a commit costs little of each record (2 us
  // at 1000), small enough that a job never waits long.
  static constexpr std::size_t kEvents = 1000;

  // A disk with that many bad places is told of often enough.
  static constexpr std::size_t kToldMax = 1000;

  explicit EventBatch(const Log& log) : log_(log) {
    events_.reserve(kEvents);
    texts_.reserve(kEvents * kTextBytesMax);
  }
  void clear() {
    events_.clear();
    texts_.clear();
  }
  void take(const UsageEvent& event) override {
    UsageEvent& copy = events_.emplace_back(event);
    for (std::string_view* const text : {&copy.request_id, &copy.account, &copy.pool,
                                         &copy.client_key, &copy.model, &copy.native_model}) {
      *text = keep(*text);
    }
  }
  void lost(const JournalLoss& loss) override {
    const std::tuple known(loss.file, loss.offset, loss.first_sequence);
    if (told_.contains(known)) return;
    if (told_.size() == kToldMax) told_.clear();  // some are told twice then
    told_.insert(known);
    LogLine(log_, LogLevel::kError, "usage records lost").field("detail", loss.text());
  }
  [[nodiscard]] std::span<const UsageEvent> events() const noexcept { return events_; }

 private:
  // All texts of one event: id, account, pool, client key, two models.
  static constexpr std::size_t kTextBytesMax = 128 + 5 * 256;

  std::string_view keep(std::string_view text) {
    SL_ASSERT(texts_.size() + text.size() <= texts_.capacity());  // no view may move
    const std::size_t at = texts_.size();
    texts_ += text;
    return {texts_.data() + at, text.size()};
  }

  Log log_;
  std::vector<UsageEvent> events_;
  std::string texts_;
  std::set<std::tuple<std::string, std::uint64_t, std::uint64_t>> told_;
};

}  // namespace sluice

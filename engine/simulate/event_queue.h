#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace sluice {

// EventQueue - what is to happen, in the order of time, and of two things at one instant the one
// first that was planned first: the same seed gives the same run.
//
// Affinity  one thread.
// Cost      logarithmic in the events that lie ahead.
template <class Event>
class EventQueue {
 public:
  void plan(Instant at, const Event& event) {
    heap_.push_back({at, planned_++, event});
    std::ranges::push_heap(heap_, later);
  }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] Instant next_at() const noexcept { return heap_.front().at; }
  Event take() {
    std::ranges::pop_heap(heap_, later);
    const Event event = heap_.back().event;
    heap_.pop_back();
    return event;
  }

 private:
  struct Entry {
    Instant at;
    std::uint64_t order;
    Event event;
  };
  static bool later(const Entry& a, const Entry& b) noexcept {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }
  std::vector<Entry> heap_;
  std::uint64_t planned_ = 0;
};

}  // namespace sluice

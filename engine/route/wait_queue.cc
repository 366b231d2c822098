#include "engine/route/wait_queue.h"

#include <algorithm>

namespace sluice {
namespace {

// While somebody waits the queue looks at least so often: permits also come back when a request was
// called off before a byte of it left, and an account may be switched on.
constexpr Duration kLookAgain = 1s;
// And at most so often, when what seemed free could not be taken.
constexpr Duration kLookSoon = 1ms;

}  // namespace

WaitQueue::~WaitQueue() { SL_ASSERT(depth_ == 0); }

void WaitQueue::enter(Waiter& waiter, Instant now) {
  waiter.entered_at = now;
  if (waiter.seeker->arrival == 0) waiter.seeker->arrival = ++arrivals_;
  const QueuePolicy& policy = waiter.directory->routing.queue;
  const bool full = depth_ >= policy.capacity;
  Waiter* const dropped = full && policy.overflow == Overflow::kDropLowest
                              ? lowest_below(waiter.seeker->priority)
                              : nullptr;
  if (full || waiter.only_if_soon) waiter.expected_at = expected_at(waiter, now);
  if (full && dropped == nullptr) return end(waiter, WaitEnd::kFull);
  // Before anybody gives up a place that it would not take.
  if (waiter.only_if_soon && waiter.expected_at > waiter.give_up_at)
    return end(waiter, WaitEnd::kHopeless);
  if (dropped != nullptr) {
    dropped->expected_at = expected_at(*dropped, now);
    unlink(*dropped);
    end(*dropped, WaitEnd::kDropped);
  }
  link(waiter);
}

void WaitQueue::leave(Waiter& waiter) noexcept { unlink(waiter); }

// Who comes first in (priority, arrival) is looked at first. One who gets nothing holds what it
// waits for, so that those behind it get only what it cannot use.
Instant WaitQueue::serve(Instant now) {
  ++pass_;
  Instant next = now + kLookAgain;
  for (auto& [key, line] : lines_) {
    if (Turn turn{}; begin(line, turn)) push_turn(turn);
  }
  while (!turns_.empty()) {
    Turn turn = pop_turn();
    Waiter& waiter = *turn.waiter;
    const bool more = advance(turn);
    if (balancer_.choose(*waiter.directory, *waiter.route, waiter.pool, *waiter.seeker, {pass_},
                         now, waiter.choice)) {
      if (more) push_turn(turn);
      unlink(waiter);
      waiter.choice.kind = Choice::Kind::kTry;
      end(waiter, WaitEnd::kGranted);
      continue;
    }
    bool held_all = true;
    next = std::min(next, hold(*turn.line, waiter, now, held_all));
    // Behind somebody who holds all of them nobody in this line can use more.
    if (more && !held_all) push_turn(turn);
  }
  let_go_of_hopeless(now);
  return depth_ == 0 ? kNever : std::max(next, now + kLookSoon);
}

// Once a second: what makes a wait hopeless lasts longer.
void WaitQueue::let_go_of_hopeless(Instant now) {
  if (now < hope_seen_at_ + kLookAgain) return;
  hope_seen_at_ = now;
  for (auto& [key, line] : lines_) {
    const Route::Range range = line.route->range_of(line.pool);
    const Instant first = outlook(*line.route, range, TriedMarks{}, now).worth_at;
    if (first <= now + kLookAgain) continue;
    for (auto& waiters : line.waiters) {
      for (Waiter* waiter = waiters.front(); waiter != nullptr; waiter = waiters.after(*waiter)) {
        const TriedMarks& tried = waiter->seeker->tried;
        const Instant at = tried.any() ? outlook(*line.route, range, tried, now).worth_at : first;
        if (at <= waiter->give_up_at) continue;
        waiter->expected_at = at;
        hopeless_.push_back(waiter);
      }
    }
  }
  for (Waiter* const waiter : hopeless_) {
    unlink(*waiter);
    end(*waiter, WaitEnd::kHopeless);
  }
  hopeless_.clear();
}

Instant WaitQueue::expected_at(const Route& route, Pool pool, Priority priority, Instant now,
                               const Demand& demand) {
  ++pass_;
  double permits_per_ns = 0;
  Instant first = kNever;
  const Route::Range range = route.range_of(pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    const Candidate& candidate = route.candidates[i];
    candidate.state->held_in_pass() = pass_;
    const Instant at = ready_at(candidate, now, demand);
    if (at == kNever) continue;
    first = std::min(first, at);
    permits_per_ns +=
        candidate.state->grants_per_window(demand) /
        static_cast<double>(std::max<std::int64_t>(candidate.account->window.count(), 1));
  }
  if (permits_per_ns == 0) return kNever;
  double ahead = 0;
  for (const auto& [key, line] : lines_) ahead += ahead_in(line, priority);
  return first + Duration(static_cast<std::int64_t>(ahead / permits_per_ns));
}

// How many of a line will take permits of the accounts that are marked with the present pass: of
// those that are not behind, the share that these accounts have in the line's.
double WaitQueue::ahead_in(const Line& line, Priority priority) const noexcept {
  std::uint32_t before = 0;
  for (std::size_t rank = 0; rank <= rank_of(priority); ++rank) before += line.count[rank];
  if (before == 0) return 0;
  const Route::Range range = line.route->range_of(line.pool);
  std::uint32_t shared = 0;
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    shared += line.route->candidates[i].state->held_in_pass() == pass_;
  }
  return static_cast<double>(before) * shared / std::max(range.last - range.first, 1u);
}

void WaitQueue::end(Waiter& waiter, WaitEnd end) noexcept {
  waiter.end = end;
  waiter.on_end();
}

// The last that has come of the lowest priority that anybody has, below `priority`.
Waiter* WaitQueue::lowest_below(Priority priority) noexcept {
  for (std::size_t rank = kPriorities - 1; rank > rank_of(priority); --rank) {
    Waiter* last = nullptr;
    for (auto& [key, line] : lines_) {
      Waiter* const back = line.waiters[rank].back();
      if (back == nullptr) continue;
      if (last == nullptr || back->seeker->arrival > last->seeker->arrival) last = back;
    }
    if (last != nullptr) return last;
  }
  return nullptr;
}

void WaitQueue::link(Waiter& waiter) {
  Line& line = line_of(lines_, waiter);
  const std::size_t rank = rank_of(waiter.seeker->priority);
  IntrusiveList<Waiter>& waiters = line.waiters[rank];
  // Behind all that came before it; one that comes back may be far in front.
  if (waiters.empty() || waiters.back()->seeker->arrival < waiter.seeker->arrival) {
    waiters.push_back(waiter);
  } else {
    Waiter* next = waiters.front();
    while (next->seeker->arrival < waiter.seeker->arrival) next = waiters.after(*next);
    waiters.insert_before(*next, waiter);
  }
  ++depth_;
  ++depths_[rank];
  if (line.count[rank]++ > 0) return;
  const Route::Range range = line.route->range_of(line.pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    line.route->candidates[i].state->wanted().add(waiter.seeker->priority);
  }
}

void WaitQueue::unlink(Waiter& waiter) noexcept {
  const auto found = lines_.find({waiter.route, waiter.pool});
  SL_ASSERT(found != lines_.end());
  Line& line = found->second;
  const std::size_t rank = rank_of(waiter.seeker->priority);
  static_cast<ListNode&>(waiter).unlink();
  --depth_;
  --depths_[rank];
  if (--line.count[rank] > 0) return;
  const Route::Range range = line.route->range_of(line.pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    line.route->candidates[i].state->wanted().remove(waiter.seeker->priority);
  }
  const bool empty = std::ranges::all_of(line.count, [](std::uint32_t n) { return n == 0; });
  if (empty) lines_.erase(found);
}

WaitQueue::Line& WaitQueue::line_of(Lines& lines, const Waiter& waiter) {
  Line& line = lines[{waiter.route, waiter.pool}];
  line.route = waiter.route;
  line.pool = waiter.pool;
  return line;
}

// When the first of what it holds will be ready for it. Of what somebody before it holds it must
// not be woken: it could not take that.
Instant WaitQueue::hold(const Line& line, const Waiter& waiter, Instant now,
                        bool& held_all) const noexcept {
  Instant next = kNever;
  const Route::Range range = line.route->range_of(line.pool);
  for (std::uint32_t i = range.first; i < range.last; ++i) {
    const Candidate& candidate = line.route->candidates[i];
    std::uint64_t& held_in = candidate.state->held_in_pass();
    if (waiter.seeker->tried.has(i)) {
      held_all = false;
      continue;
    }
    if (held_in == pass_) continue;
    next = std::min(next, ready_at(candidate, now, waiter.seeker->demand));
    // Nobody stands still for a request that is larger than all that an account may do.
    if (candidate.state->too_large(waiter.seeker->demand)) held_all = false;
    else held_in = pass_;
  }
  return next;
}

bool WaitQueue::comes_later(const Turn& a, const Turn& b) noexcept {
  if (a.rank != b.rank) return a.rank > b.rank;
  return a.waiter->seeker->arrival > b.waiter->seeker->arrival;
}

bool WaitQueue::begin(Line& line, Turn& turn) noexcept {
  for (std::size_t rank = 0; rank < kPriorities; ++rank) {
    Waiter* const first = line.waiters[rank].front();
    if (first == nullptr) continue;
    turn = {&line, first, rank};
    return true;
  }
  return false;
}

bool WaitQueue::advance(Turn& turn) noexcept {
  turn.waiter = turn.line->waiters[turn.rank].after(*turn.waiter);
  while (turn.waiter == nullptr && ++turn.rank < kPriorities) {
    turn.waiter = turn.line->waiters[turn.rank].front();
  }
  return turn.waiter != nullptr;
}

void WaitQueue::push_turn(const Turn& turn) {
  turns_.push_back(turn);
  std::ranges::push_heap(turns_, comes_later);
}

WaitQueue::Turn WaitQueue::pop_turn() {
  std::ranges::pop_heap(turns_, comes_later);
  const Turn turn = turns_.back();
  turns_.pop_back();
  return turn;
}

}  // namespace sluice

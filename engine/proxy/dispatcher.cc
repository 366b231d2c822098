#include "engine/proxy/dispatcher.h"

#include <algorithm>

#include "engine/proxy/early_stream.h"

namespace sluice {
namespace {

// A shard that is its own receiver reads at once; this spares a single shard half a turn.
void send(Shard& from, Shard& to, Letter& letter) {
  if (&from == &to) letter.read(to, letter);
  else from.post(to, letter);
}

}  // namespace

// Ticket - a request on its way to the queue and back.
//
// It goes to the dispatcher once and comes back once, and so does a call to leave. Between the two
// it belongs to the dispatcher. As letters of one sender are read in their order, the answer to a
// call to leave comes behind everything else: then nobody else knows of the ticket any more.
//
// Lifetime  the frame of wait_for_permit().
class Ticket final : public Waiter {
 public:
  Ticket(Shard& shard, Dispatcher& dispatcher, Ladder& ladder, const Choice& advice) noexcept
      : Waiter(ladder, advice), shard_(shard), dispatcher_(dispatcher), signal_(shard) {}

  void enter() { send(shard_, dispatcher_.home(), entering_); }
  void leave() { send(shard_, dispatcher_.home(), leaving_); }

  // True once nobody else knows of this ticket.
  [[nodiscard]] bool left() const noexcept { return left_; }
  [[nodiscard]] Signal& signal() noexcept { return signal_; }

 private:
  template <void (Ticket::*kRead)()>
  struct Paper final : Letter {
    explicit Paper(Ticket& ticket) noexcept : Letter(&Paper::come), ticket(&ticket) {}
    static void come(Shard&, Letter& letter) { (static_cast<Paper&>(letter).ticket->*kRead)(); }
    Ticket* ticket;
  };

  // At the dispatcher.
  void on_enter() {
    waiting_ = true;
    dispatcher_.enter(*this);
  }
  void on_leave() {
    if (waiting_) {
      waiting_ = false;
      end = WaitEnd::kTimedOut;
      dispatcher_.leave(*this);  // first: it is not its own predecessor
      expected_at = dispatcher_.queue_.expected_at(*this, dispatcher_.home().now());
    }
    send(dispatcher_.home(), shard_, leave_known_);
  }
  void on_end() noexcept override {
    waiting_ = false;
    send(dispatcher_.home(), shard_, answer_);
  }

  // At home.
  void on_answer() { signal_.set(); }
  void on_leave_known() {
    left_ = true;
    signal_.set();
  }

  Shard& shard_;
  Dispatcher& dispatcher_;
  Signal signal_;
  Paper<&Ticket::on_enter> entering_{*this};
  Paper<&Ticket::on_leave> leaving_{*this};
  Paper<&Ticket::on_answer> answer_{*this};
  Paper<&Ticket::on_leave_known> leave_known_{*this};
  bool waiting_ = false;  // the dispatcher's
  bool left_ = false;
};

void Dispatcher::enter(Waiter& waiter) {
  queue_.enter(waiter, home_.now());
  serve();
}

void Dispatcher::leave(Waiter& waiter) {
  queue_.leave(waiter);
  serve();
}

void Dispatcher::serve() {
  const Instant next = queue_.serve(home_.now());
  if (next == kNever) home_.timers().stop(*this);
  else home_.timers().start(*this, next);
}

void Dispatcher::nudge(Shard& from) noexcept {
  if (nudge_.on_its_way.exchange(true, std::memory_order_acq_rel)) return;
  send(from, home_, nudge_);
}

void Dispatcher::Nudge::come(Shard&, Letter& letter) {
  Nudge& nudge = static_cast<Nudge&>(letter);
  // Before the look: what comes back from here on needs another one.
  nudge.on_its_way.store(false, std::memory_order_release);
  nudge.self->serve();
}

Task<Choice> wait_for_permit(Shard& shard, Exchange& exchange, Ladder& ladder, Choice advice,
                             QueueComments& comments) {
  Dispatcher& dispatcher = *exchange.worker->dispatcher;
  CancelSource& cancel = exchange.cancel;
  Ticket ticket(shard, dispatcher, ladder, advice);
  ticket.enter();
  Result<void> answered;
  while (true) {
    const Limits limits{.deadline = std::min(advice.give_up_at, comments.due()), .cancel = &cancel};
    answered = co_await ticket.signal().wait(limits);
    if (answered || cancel.requested() || shard.now() < comments.due()) break;
    co_await say_queued(shard, exchange, comments);
  }
  if (!answered) {
    // A permit may be on its way; it is known when the dispatcher has heard us.
    ticket.leave();
    while (!ticket.left()) static_cast<void>(co_await ticket.signal().wait());
  }
  const bool granted = ticket.end == WaitEnd::kGranted;
  if (granted && cancel.requested()) {
    ticket.choice.permit.refund(shard.now());
    dispatcher.nudge(shard);
    co_return Choice{};
  }
  if (granted) co_return ladder.granted(std::move(ticket.choice), shard.now());
  ladder.refused(ticket.end, ticket.expected_at, shard.now());
  co_return ladder.next(shard.now());
}

}  // namespace sluice

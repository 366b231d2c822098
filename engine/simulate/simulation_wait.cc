// Waiting for a permit, as wait_for_permit() and the dispatcher do it (proxy/dispatcher.cc).
#include <algorithm>

#include "base/draw.h"
#include "engine/simulate/simulation.h"

namespace sluice {

void SimRequest::Ticket::on_end() noexcept { simulation.on_queue_end(request); }

// Also without any delay a letter is read after what its sender is doing.
void Simulation::post(Shard& shard, bool to_dispatcher, const Event& event) {
  Instant& last = to_dispatcher ? shard.last_letter_to : shard.last_letter_from;
  last = std::max(last, now_ + draw_up_to(prng_, plan_.letter_delay_max));
  events_.plan(last, event);
}

void Simulation::handle_of_wait(What what, SimRequest& request) {
  const bool leaving = request.ticket->leaving;
  if (what == What::kEnter) return at_dispatcher_enter(request);
  if (what == What::kLeave) return at_dispatcher_leave(request);
  if (what == What::kLeft || (what == What::kQueueEnd && !leaving)) return end_wait(request);
  if (what == What::kGiveUp && !leaving) call_back(request);
}

void Simulation::begin_wait(SimRequest& request, const Choice& advice) {
  ++request.stamp;
  ++request.waits;
  request.stage = SimRequest::Stage::kWaiting;
  request.wait_began = now_;
  request.ticket.emplace(*this, request, advice);
  observer_.on_wait(request, now_);
  Shard& shard = shard_of(request);
  post(shard, true, {.what = What::kEnter, .slot = request.slot, .stamp = request.stamp});
  if (advice.give_up_at != kNever) {
    events_.plan(std::max(now_, advice.give_up_at + shard.lag),
                 {.what = What::kGiveUp, .slot = request.slot, .stamp = request.stamp});
  }
}

// A permit may be on its way; it is known when the dispatcher has answered.
void Simulation::call_back(SimRequest& request) {
  request.ticket->leaving = true;
  post(shard_of(request), true,
       {.what = What::kLeave, .slot = request.slot, .stamp = request.stamp});
}

void Simulation::at_dispatcher_enter(SimRequest& request) {
  request.ticket->at_dispatcher = true;
  observer_.on_enter(request, now_);
  rules_.enter(queue_, request, time_of(dispatcher_));
  tally_.depth_max = std::max<std::uint64_t>(tally_.depth_max, queue_.depth());
  serve_queue();
}

void Simulation::at_dispatcher_leave(SimRequest& request) {
  SimRequest::Ticket& ticket = *request.ticket;
  if (ticket.at_dispatcher) {
    ticket.at_dispatcher = false;
    ticket.end = WaitEnd::kTimedOut;
    observer_.on_leave(request, now_);
    rules_.leave(queue_, request);
    ticket.expected_at = queue_.expected_at(ticket, time_of(dispatcher_));
    serve_queue();
  }
  if (!rules_.tell_end(request)) return;
  post(shard_of(request), false,
       {.what = What::kLeft, .slot = request.slot, .stamp = request.stamp});
}

void Simulation::on_queue_end(SimRequest& request) {
  request.ticket->at_dispatcher = false;
  observer_.on_queue_end(request, now_);
  if (!rules_.tell_end(request)) return;
  post(shard_of(request), false,
       {.what = What::kQueueEnd, .slot = request.slot, .stamp = request.stamp});
}

void Simulation::serve_queue() {
  const Instant next = queue_.serve(time_of(dispatcher_));
  if (next == timer_at_) return;
  timer_at_ = next;
  ++timer_stamp_;
  if (next == kNever || !rules_.wakes()) return;
  events_.plan(std::max(now_, next + dispatcher_.lag),
               {.what = What::kServe, .stamp = timer_stamp_});
}

void Simulation::nudge(Shard& from) {
  if (nudge_on_its_way_) return;
  nudge_on_its_way_ = true;
  post(from, true, {.what = What::kNudge});
}

void Simulation::end_wait(SimRequest& request) {
  Shard& shard = shard_of(request);
  ++request.stamp;
  request.stage = SimRequest::Stage::kAtLadder;
  request.queued += now_ - request.wait_began;
  SimRequest::Ticket& ticket = *request.ticket;
  const WaitEnd end = ticket.end;
  const Instant expected_at = ticket.expected_at;
  Choice choice = std::move(ticket.choice);
  request.ticket.reset();
  observer_.on_wait_over(request, now_);
  const Instant now = time_of(shard);
  if (end != WaitEnd::kGranted) {
    request.ladder->refused(end, expected_at, now);
    return go_on(request, rules_.next(request, now));
  }
  if (!request.gone) return go_on(request, request.ladder->granted(std::move(choice), now), true);
  request.choice = std::move(choice);
  hand_back(request, std::nullopt);
  nudge(shard);
  this->end(request, SimEnding::kClientGone);
}

}  // namespace sluice

#pragma once

#include "engine/simulate/request.h"

namespace sluice {

// Rules - the steps of a request in which the gateway could break a promise, each as production
// takes it. The tests of the simulator break them one by one, to see that it is found.
class Rules {
 public:
  virtual ~Rules() = default;

  [[nodiscard]] virtual Choice next(SimRequest& request, Instant now) {
    return request.ladder->next(now);
  }
  virtual void enter(WaitQueue& queue, SimRequest& request, Instant now) {
    queue.enter(*request.ticket, now);
  }
  virtual void leave(WaitQueue& queue, SimRequest& request) { queue.leave(*request.ticket); }
  // False: the end of a wait does not reach its request.
  [[nodiscard]] virtual bool tell_end(const SimRequest&) { return true; }
  // False: the queue is not looked at again when the next permit comes back.
  [[nodiscard]] virtual bool wakes() { return true; }
  virtual void settle_sent(SimRequest& request, Instant now) {
    request.choice.permit.settle_sent(now);
  }
  virtual void refund(SimRequest& request, Instant now) { request.choice.permit.refund(now); }
  virtual void finish(SimRequest& request, const std::optional<TokensUsed>& used, Instant now) {
    request.choice.permit.finish(used, now);
  }
  virtual Ladder::Marks report(SimRequest& request, TryOutcome outcome,
                               std::optional<Duration> retry_after, Instant now) {
    return request.ladder->report(request.choice.permit, outcome, retry_after, now);
  }
};

}  // namespace sluice

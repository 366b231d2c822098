#pragma once

#include "engine/simulate/request.h"

namespace sluice {

// Observer - is told everything that happens in a simulation, when it has happened (but for
// on_report_begin). `now` is the world's time; a shard's may lag behind it.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void on_publish(const std::shared_ptr<const Directory>&, Instant) {}
  virtual void on_arrival(const SimRequest&, Instant) {}
  // A permit was taken; `granted`: by the queue.
  virtual void on_try(const SimRequest&, bool granted, Instant) { static_cast<void>(granted); }
  virtual void on_settle(const SimRequest&, bool sent, Instant) { static_cast<void>(sent); }
  // The provider has counted a request that was permitted at `taken_at`.
  virtual void on_provider(const Provider&, Instant taken_at, const Reply&, Instant) {
    static_cast<void>(taken_at);
  }
  virtual void on_report_begin(const SimRequest&, TryOutcome, Instant) {}
  virtual void on_report(const SimRequest&, TryOutcome, Instant) {}
  virtual void on_wait(const SimRequest&, Instant) {}       // the shard begins to wait
  virtual void on_wait_over(const SimRequest&, Instant) {}  // and goes on
  virtual void on_enter(const SimRequest&, Instant) {}      // at the dispatcher, before the queue
  virtual void on_leave(const SimRequest&, Instant) {}      // called back out of the queue
  virtual void on_queue_end(const SimRequest&, Instant) {}  // granted, refused or dropped
  virtual void on_end(const SimRequest&, SimEnding, Instant) {}
};

}  // namespace sluice
